import { fork } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { Prng } from '../../../src/core/prng.ts';
import { sha256 } from '../../../src/storage/digest.ts';
import { completeTrainConfig } from '../../../src/training/step/train-config.ts';
import type { TrainerJob, TrainerMessage } from '../../../src/training/trainer/protocol.ts';
import type { Topology } from '../../../src/training/model/model-config.ts';
import type { BaseFiles } from '../../../src/training/transfer/base-files.ts';
import { KILL_CASES } from './kill-cases.ts';
import type { KillCase } from './kill-cases.ts';
import { asJson, buildTrainer, classTable, memoryStores, temporaryFolder, writeExamples } from '../../unit/training/fixtures.ts';
import type { Table } from '../../unit/training/fixtures.ts';

const HOOK = join(import.meta.dirname, 'kill-hook.mjs');
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
  return {
    config: completeTrainConfig(asJson(config)),
    examples: { ref, manifest: artifact.manifest, paths },
    binding: 'test',
    checkpointDir: '',
    resultDir: '',
  };
}

interface Attempt {
  readonly messages: TrainerMessage[];
  readonly signal: NodeJS.Signals | null;
}

interface Kill {
  /** Number of the file operation at which the trainer ends. */
  readonly at?: number;
  /** File for the number of file operations of a run that ended by itself. */
  readonly count?: string;
}

/** Starts a trainer in a folder, and kills it where that was asked for. */
function attempt(job: TrainerJob, dir: string, { at, count }: Kill = {}): Promise<Attempt> {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'job.json');
  writeFileSync(path, JSON.stringify({ ...job, checkpointDir: join(dir, 'checkpoints'), resultDir: join(dir, 'result') }));
  const env = {
    ...process.env,
    ...(at === undefined ? {} : { PERENNIAL_KILL_AT: String(at) }),
    ...(count === undefined ? {} : { PERENNIAL_KILL_COUNT: count }),
  };
  const child = fork(trainer, [path], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: ['--import', HOOK], env });
  const messages: TrainerMessage[] = [];
  return new Promise((resolve, reject) => {
    child.on('message', (message: TrainerMessage) => messages.push(message));
    child.once('error', reject);
    child.once('close', (_code, signal) => resolve({ messages, signal }));
  });
}

function resultDigest(dir: string): string {
  return sha256(
    ['weights.bin', 'weights.json', 'topology.json', 'history.json', 'result.json']
      .map((name) => sha256(readFileSync(join(dir, 'result', name))))
      .join(),
  );
}

/** What a model starts from, trained to its end. */
async function trainBase(table: Table, config: Json): Promise<BaseFiles> {
  const dir = temporaryFolder();
  await attempt(await prepare(table, config), dir);
  const file = (name: string): string => join(dir, 'result', name);
  const topology = JSON.parse(readFileSync(file('topology.json'), 'utf8')) as Topology;
  return {
    network: { origin: { model: 'base', version: 1, digest: '' }, topology, output: table.output },
    topology,
    weights: { manifest: file('weights.json'), bytes: file('weights.bin') },
  };
}

/** Checkpoints come after so many batches, never by the clock: every run has the same file operations. */
const complete = (config: KillCase[2]): Json => ({
  ...config,
  checkpoint: { everySteps: 3, everySeconds: 3_600, keep: 2, ...(config.checkpoint as object | undefined) },
});
const KILLS = 3;

test.each(KILL_CASES.map((each) => [each[0], each] as const))(
  '%s: killed at random file operations, ends with the bytes of an undisturbed run',
  async (title, [, table, config, base]) => {
    const fresh = await prepare(table(), complete(config));
    const job = base === undefined ? fresh : { ...fresh, base: await trainBase(table(), base) };
    const calm = temporaryFolder();
    const count = join(calm, 'count');
    const whole = await attempt(job, calm, { count });
    expect(whole.messages.at(-1)).toEqual({ type: 'done' });
    const operations = Number(readFileSync(count, 'utf8'));
    expect(operations).toBeGreaterThan(20);
    const prng = new Prng('kills', title);
    const dir = temporaryFolder();
    let killed = 0;
    for (let turn = 0; turn < KILLS; turn++) {
      const { signal } = await attempt(job, dir, { at: 1 + prng.below(Math.ceil(operations / 2)) });
      if (signal === 'SIGKILL') killed++;
    }
    expect(killed).toBeGreaterThan(0);
    const last = await attempt(job, dir);
    expect(last.messages.at(-1)).toEqual({ type: 'done' });
    expect(resultDigest(dir)).toBe(resultDigest(calm));
  },
);

test.each(['compiled', 'eager'])(
  'rows that do not fit into memory, an augmented cnn, %s: killed, ends with the bytes of a run in memory',
  async (engine) => {
    const [, table, config] = KILL_CASES.find(([title]) => title.startsWith('cnn with dropout'))!;
    const job = await prepare(table(), { ...(complete(config) as object), engine });
    const calm = temporaryFolder();
    const count = join(calm, 'count');
    await attempt(job, calm, { count });
    const dir = temporaryFolder();
    const { signal } = await attempt({ ...job, memoryBytes: 0 }, dir, { at: Math.floor(Number(readFileSync(count, 'utf8')) / 2) });
    expect(signal).toBe('SIGKILL');
    expect((await attempt({ ...job, memoryBytes: 0 }, dir)).messages.at(-1)).toEqual({ type: 'done' });
    expect(resultDigest(dir)).toBe(resultDigest(calm));
  },
);

test('a torn checkpoint is skipped for the one before', async () => {
  const [, table, config] = KILL_CASES[0]!;
  const job = await prepare(table(), complete(config));
  const dir = temporaryFolder();
  await attempt(job, dir);
  const expected = resultDigest(dir);
  const folder = join(dir, 'checkpoints');
  const names = readdirSync(folder).sort();
  expect(names.length).toBe(2);
  truncateSync(join(folder, names[1]!), 1_000);
  writeFileSync(join(folder, '0000000001.ckpt.1.tmp'), 'half');
  rmSync(join(dir, 'result'), { recursive: true });
  const again = await attempt(job, dir);
  expect(again.messages.find((message) => message.type === 'notice')).toMatchObject({ message: expect.stringContaining('torn') as string });
  expect(again.messages.find((message) => message.type === 'started')).toMatchObject({ resumedStep: Number(names[0]!.slice(0, 10)) });
  expect(resultDigest(dir)).toBe(expected);
});

test('the trainer ends when its parent is gone', async () => {
  const job = await prepare(classTable(2_000), { model: { architecture: 'mlp' }, epochs: 100_000 });
  const dir = temporaryFolder();
  writeFileSync(join(dir, 'job.json'), JSON.stringify({ ...job, checkpointDir: join(dir, 'checkpoints'), resultDir: join(dir, 'result') }));
  const child = fork(trainer, [join(dir, 'job.json')], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  await new Promise<void>((resolve) =>
    child.on('message', (message: TrainerMessage) => {
      if (message.type === 'progress') resolve();
    }),
  );
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  child.disconnect();
  // Its epochs would take for ever.
  expect(await ended).toBe(1);
});
