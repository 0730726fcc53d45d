import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { loadModel } from '../../../src/training/bundle/load-model.ts';
import { runTraining } from '../../../src/training/step/run-training.ts';
import { completeTrainConfig } from '../../../src/training/step/train-config.ts';
import { environmentForTf, loadTf } from '../../../src/training/tensorflow/tf.ts';
import { trainingDetails } from '../../../src/training/step/training-details.ts';
import {
  asJson,
  buildTrainer,
  classTable,
  memoryStores,
  numberTable,
  stepContext,
  temporaryFolder,
  writeExamples,
  imageTable,
} from './fixtures.ts';
import type { Stores } from './fixtures.ts';

let trainer = '';

beforeAll(async () => {
  trainer = await buildTrainer();
});

afterAll(() => rmSync(dirname(trainer), { recursive: true, force: true }));

const config = (json: Json): ReturnType<typeof completeTrainConfig> => completeTrainConfig(asJson(json));
const small = config({ model: { architecture: 'mlp', units: [16], dropout: 0.1 }, epochs: 4, learningRate: 0.02 });
const endless = config({ model: { architecture: 'mlp' }, epochs: 100_000, checkpoint: { everySeconds: 0.05 } });

/** Process ids of trainers at work on a folder. */
function trainersOf(workDir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(workDir, 'job.json'));
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function storedCheckpoints({ store }: Stores): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('checkpoints/')) keys.push(key);
  return keys;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('the same document, data and seed give the same artifact; the model predicts', async () => {
  const stores = memoryStores();
  const table = classTable(200);
  const examples = await writeExamples(stores, table);
  const first = stepContext(stores, temporaryFolder());
  const report = await runTraining(first, small, examples, trainer);
  const again = await runTraining(stepContext(stores, temporaryFolder()), small, examples, trainer);
  expect(again.model.digest).toBe(report.model.digest);
  expect(report.meta).toMatchObject({
    epochsRun: 4,
    bestEpoch: 4,
    loss: 'categoricalCrossentropy',
    optimizer: 'adam',
    outputShape: [3],
    parameters: 163,
    trainableParameters: 163,
    examples: examples.digest,
  });
  expect(first.recorded.progress.some((update) => update.epoch === 4 && update.metrics?.accuracy === report.meta.final.accuracy)).toBe(
    true,
  );
  expect(trainingDetails(report)).toContain('| 4 (kept) |');
  expect(report.meta.training).toMatchObject({ engine: 'compiled' });
  expect(report.meta.training).not.toHaveProperty('engineReason');
  const eager = await runTraining(stepContext(stores, temporaryFolder()), { ...small, engine: 'eager' }, examples, trainer);
  expect(eager.meta.training).toMatchObject({ engine: 'eager' });
  expect(eager.meta.final.loss).toBeCloseTo(report.meta.final.loss!, 4);
  expect(await storedCheckpoints(stores)).toEqual([]);

  const predictor = await loadModel(await stores.artifacts.open(report.model));
  const batch = table.splits.validation;
  const rows = batch.features!.rows;
  const answers = await predictor.predict(batch);
  let right = 0;
  for (let row = 0; row < rows; row++) {
    const shares = [...answers.subarray(3 * row, 3 * row + 3)];
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
    if (shares.indexOf(Math.max(...shares)) === batch['@label']!.data[row]) right++;
  }
  expect(right / rows).toBeCloseTo(report.meta.final.accuracy!, 6);
  // A batch larger than one call gives the same answers.
  const many = 1_100;
  const data = Float32Array.from({ length: many * 6 }, (_, index) => batch.features!.data[index % (rows * 6)]!);
  const repeated = await predictor.predict({ features: { ...batch.features!, rows: many, data } });
  expect(repeated.length).toBe(3 * many);
  expect(Math.max(...answers.map((value, index) => Math.abs(value - repeated[index]!)))).toBeLessThan(1e-6);
  await expect(predictor.predict({})).rejects.toMatchObject({ code: 'DATA_INVALID' });
  predictor.dispose();
  await expect(predictor.predict(batch)).rejects.toMatchObject({ code: 'INTERNAL' });
});

test('a killed trainer is a crash that can be tried again, and another machine goes on from the store', async () => {
  const stores = memoryStores();
  const examples = await writeExamples(stores, classTable(400));
  const workDir = temporaryFolder();
  const ctx = stepContext(stores, workDir);
  const running = runTraining(ctx, endless, examples, trainer);
  await until(
    () => existsSync(join(workDir, 'checkpoints')) && readdirSync(join(workDir, 'checkpoints')).some((name) => name.endsWith('.ckpt')),
  );
  // Messages keep their order: with a report after it, word of the checkpoint has arrived.
  const reports = ctx.recorded.progress.length;
  await until(() => ctx.recorded.progress.length > reports + 1);
  const [pid] = trainersOf(workDir);
  process.kill(pid!, 'SIGKILL');
  await expect(running).rejects.toMatchObject({
    code: 'TRAINER_CRASHED',
    retryable: true,
    message: expect.stringContaining('SIGKILL') as string,
  });
  expect((await storedCheckpoints(stores)).length).toBe(1);

  const stop = new AbortController();
  const elsewhere = stepContext(stores, temporaryFolder(), stop.signal);
  const resumed = runTraining(elsewhere, endless, examples, trainer);
  await until(() => elsewhere.recorded.log.some((line) => line.includes('goes on from its checkpoint')));
  stop.abort();
  await expect(resumed).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('cancelling ends the process', async () => {
  const stores = memoryStores();
  const examples = await writeExamples(stores, classTable(400));
  const workDir = temporaryFolder();
  const stop = new AbortController();
  const ctx = stepContext(stores, workDir, stop.signal);
  const running = runTraining(ctx, endless, examples, trainer);
  await until(() => ctx.recorded.progress.some((update) => update.epoch !== undefined));
  const [pid] = trainersOf(workDir);
  stop.abort();
  await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(() => process.kill(pid!, 0)).toThrow();
});

test("the trainer's errors arrive with their code and hint", async () => {
  const stores = memoryStores();
  const examples = await writeExamples(stores, numberTable(60));
  const ctx = stepContext(stores, temporaryFolder());
  const diverging = config({ model: { architecture: 'mlp' }, optimizer: { sgd: { learningRate: 1e9 } }, epochs: 50 });
  await expect(runTraining(ctx, diverging, examples, trainer)).rejects.toMatchObject({
    code: 'TRAINING_DIVERGED',
    retryable: false,
    hint: expect.stringContaining('learningRate') as string,
  });
  const weighted = config({ model: { architecture: 'mlp' }, classWeights: 'balanced' });
  await expect(runTraining(ctx, weighted, examples, trainer)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('a model that does not fit is refused before a process is started', async () => {
  const stores = memoryStores();
  const examples = await writeExamples(stores, classTable(40));
  const ctx = stepContext(stores, temporaryFolder());
  const wrong = config({ model: { architecture: 'cnn' } });
  await expect(runTraining(ctx, wrong, examples, '/nowhere')).rejects.toMatchObject({ code: 'MODEL_INVALID' });
});

test('damaged weights are refused', async () => {
  const stores = memoryStores();
  const examples = await writeExamples(stores, classTable(40));
  const { model } = await runTraining(stepContext(stores, temporaryFolder()), small, examples, trainer);
  const artifact = await stores.artifacts.open(model);
  const short = { ...artifact, bytes: async (file: string) => (await artifact.bytes(file)).subarray(0, 40) };
  await expect(loadModel(short)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringContaining('40 bytes of weights.bin') as string,
  });
});

test('the trainer says how it is started', () => {
  expect(() => execFileSync(process.execPath, [trainer], { stdio: 'pipe' })).toThrow(/not by hand/);
});

test('a trainer does not inherit what this process has decided for its own TensorFlow', async () => {
  const stores = memoryStores();
  const examples = await writeExamples(stores, imageTable(120));
  const images = config({ model: { architecture: 'cnn', filters: [8], units: [8] }, epochs: 2 });
  const before = await runTraining(stepContext(stores, temporaryFolder()), images, examples, trainer);
  loadTf();
  const after = await runTraining(stepContext(stores, temporaryFolder()), images, examples, trainer);
  expect(after.model.digest).toBe(before.model.digest);
  expect(environmentForTf().TF_ENABLE_ONEDNN_OPTS).toBeUndefined();
});
