import { fork } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { Prng } from '../../../src/core/prng.ts';
import { sha256 } from '../../../src/storage/digest.ts';
import { completeTrainConfig } from '../../../src/training/train-config.ts';
import type { TrainerJob, TrainerMessage } from '../../../src/training/trainer/protocol.ts';
import { asJson, buildTrainer, classTable, imageTable, memoryStores, temporaryFolder, writeExamples } from '../../unit/training/fixtures.ts';
import type { Table } from '../../unit/training/fixtures.ts';

let trainer = '';

beforeAll(async () => {
  trainer = await buildTrainer();
});

afterAll(() => rmSync(dirname(trainer), { recursive: true, force: true }));

async function prepare(table: Table, config: Json): Promise<TrainerJob> {
  const stores = memoryStores();
  const ref = await writeExamples(stores, table);
  const artifact = await stores.artifacts.open(ref);
  const paths: Record<string, string> = {};
  for (const file of Object.keys(artifact.manifest.files)) paths[file] = await artifact.path(file);
  return { config: completeTrainConfig(asJson(config)), examples: { ref, manifest: artifact.manifest, paths }, binding: 'test', checkpointDir: '', resultDir: '' };
}

interface Attempt {
  readonly messages: TrainerMessage[];
  readonly signal: NodeJS.Signals | null;
}

/** Starts a trainer in a folder and kills it so many milliseconds after its first checkpoint, which may be while it writes another. */
function attempt(job: TrainerJob, dir: string, killAfterMs?: number): Promise<Attempt> {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'job.json');
  writeFileSync(path, JSON.stringify({ ...job, checkpointDir: join(dir, 'checkpoints'), resultDir: join(dir, 'result') }));
  const child = fork(trainer, [path], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  const messages: TrainerMessage[] = [];
  return new Promise((resolve, reject) => {
    child.on('message', (message: TrainerMessage) => {
      messages.push(message);
      if (message.type === 'checkpoint' && killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    });
    child.once('error', reject);
    child.once('close', (_code, signal) => resolve({ messages, signal }));
  });
}

function resultDigest(dir: string): string {
  return sha256(['weights.bin', 'weights.json', 'topology.json', 'history.json', 'result.json'].map((name) => sha256(readFileSync(join(dir, 'result', name)))).join());
}

const MODELS: readonly [string, Table, Json][] = [
  ['mlp with dropout and batch normalization', classTable(600), {
    model: { architecture: 'mlp', units: [32, 16], dropout: 0.2, batchNormalization: true }, epochs: 12, callbacks: [{ earlyStopping: { patience: 20 } }, { reduceOnPlateau: { patience: 2 } }],
    checkpoint: { everyEpochs: 1, everySeconds: 0 },
  }],
  ['cnn with dropout', imageTable(300, 12), { model: { architecture: 'cnn', filters: [8, 8], units: [16], dropout: 0.3 }, epochs: 4, checkpoint: { everyEpochs: 1, everySeconds: 0.02 } }],
];

describe.each(MODELS)('%s', (_title, table, config) => {
  test('killed at random moments, ends with the bytes of an undisturbed run', async () => {
    const job = await prepare(table, config);
    const calm = temporaryFolder();
    await attempt(job, calm);
    const expected = resultDigest(calm);
    const prng = new Prng('kills', JSON.stringify(config));
    const dir = temporaryFolder();
    let killed = 0;
    let resumed = 0;
    for (let turn = 0; turn < 4; turn++) {
      const { signal, messages } = await attempt(job, dir, prng.below(200));
      if (signal !== 'SIGKILL') break;
      killed++;
      const started = messages.find((message) => message.type === 'started');
      if (started?.type === 'started' && started.resumedStep > 0) resumed++;
    }
    const last = await attempt(job, dir);
    expect(last.messages.at(-1)).toEqual({ type: 'done' });
    expect(killed).toBeGreaterThan(0);
    expect(resumed + (last.messages[0]?.type === 'started' && last.messages[0].resumedStep > 0 ? 1 : 0)).toBeGreaterThan(0);
    expect(resultDigest(dir)).toBe(expected);
  }, 120_000);

  test('a torn checkpoint is skipped for the one before', async () => {
    const job = await prepare(table, config);
    const dir = temporaryFolder();
    await attempt(job, dir);
    const expected = resultDigest(dir);
    const folder = join(dir, 'checkpoints');
    const names = readdirSync(folder).sort();
    expect(names.length).toBe(2);
    truncateSync(join(folder, names[1]!), 5_000);
    writeFileSync(join(folder, '0000000001.ckpt.1.tmp'), 'half');
    rmSync(join(dir, 'result'), { recursive: true });
    const again = await attempt(job, dir);
    expect(again.messages.find((message) => message.type === 'notice')).toMatchObject({ message: expect.stringContaining('torn') as string });
    expect(again.messages.find((message) => message.type === 'started')).toMatchObject({ resumedStep: Number(names[0]!.slice(0, 10)) });
    expect(resultDigest(dir)).toBe(expected);
  }, 60_000);
});

test('the trainer ends when its parent is gone', async () => {
  const job = await prepare(classTable(2_000), { model: { architecture: 'mlp' }, epochs: 100_000 });
  const dir = temporaryFolder();
  writeFileSync(join(dir, 'job.json'), JSON.stringify({ ...job, checkpointDir: join(dir, 'checkpoints'), resultDir: join(dir, 'result') }));
  const child = fork(trainer, [join(dir, 'job.json')], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  await new Promise<void>((resolve) => child.on('message', (message: TrainerMessage) => { if (message.type === 'progress') resolve(); }));
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  child.disconnect();
  const started = Date.now();
  expect(await ended).toBe(1);
  expect(Date.now() - started).toBeLessThan(3_000);
}, 30_000);
