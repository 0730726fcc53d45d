import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { curveLines } from '../../../src/cli/curves-text.ts';
import type { Json } from '../../../src/core/json.ts';
import { readCurves, curvesKey } from '../../../src/training/curves/curves.ts';
import type { TrainingCurves } from '../../../src/training/curves/curves.ts';
import { CurveKeeper } from '../../../src/training/curves/curve-keeper.ts';
import { runTraining } from '../../../src/training/step/run-training.ts';
import { completeTrainConfig } from '../../../src/training/step/train-config.ts';
import { until } from '../../support/until.ts';
import { asJson, buildTrainer, classTable, memoryStores, numberTable, stepContext, temporaryFolder, writeExamples } from './fixtures.ts';

let trainer = '';

beforeAll(async () => {
  trainer = await buildTrainer();
});

afterAll(() => rmSync(dirname(trainer), { recursive: true, force: true }));

const config = (json: Json): ReturnType<typeof completeTrainConfig> => completeTrainConfig(asJson(json));

/** Process ids of trainers at work on a folder. */
function trainersOf(workDir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(workDir, 'job.json')))
    .map(Number);
}

const small = config({ model: { architecture: 'mlp', units: [8] }, epochs: 6, batchSize: 64 });
const endless = config({ model: { architecture: 'mlp', units: [8] }, epochs: 100_000, checkpoint: { everyEpochs: 5 } });

async function curvesOf(stores: ReturnType<typeof memoryStores>): Promise<TrainingCurves | undefined> {
  return (await readCurves(stores.store, 'test', 'run'))[0];
}

test('the curves of a training are those of its history, with the network', async () => {
  const stores = memoryStores();
  const examples = await writeExamples(stores, classTable(200));
  const { history } = await runTraining(stepContext(stores, temporaryFolder()), small, examples, trainer);
  const curves = await curvesOf(stores);
  expect(curves).toMatchObject({ state: 'done', epochs: 6, trained: ['loss'], attempts: [{ afterEpoch: 0 }] });
  expect(curves!.points.map(({ epoch, numbers }) => ({ epoch, ...numbers }))).toEqual(history);
  expect(curves!.layers!.map(({ type }) => type)).toEqual(['input', 'dense', 'dense']);
  expect(curves!.layers![1]!.weights).toEqual([
    { name: 'kernel', shape: [6, 8] },
    { name: 'bias', shape: [8] },
  ]);
});

test('histograms of weights and gradients are kept with the curves, and change nothing of the training', async () => {
  const stores = memoryStores();
  const examples = await writeExamples(stores, classTable(200));
  const plain = await runTraining(stepContext(stores, temporaryFolder()), small, examples, trainer);
  const looked = await runTraining(
    { ...stepContext(stores, temporaryFolder()), stepId: 'looked' },
    { ...small, histograms: { everyEpochs: 4 } },
    examples,
    trainer,
  );
  const weights = async ({ model }: typeof plain): Promise<Uint8Array> => (await stores.artifacts.open(model)).bytes('weights.bin');
  expect(await weights(looked)).toEqual(await weights(plain));
  const curves = (await readCurves(stores.store, 'test', 'run')).find(({ step }) => step === 'looked')!;
  expect(curves.spreads!.map(({ epoch }) => epoch)).toEqual([4, 6]);
  const { spreads } = curves.spreads![1]!;
  expect(Object.keys(spreads).sort()).toEqual(
    ['gradients', 'weights'].flatMap((kind) =>
      ['dense_1/bias', 'dense_1/kernel', 'output/bias', 'output/kernel'].map((name) => `${kind}/${name}`),
    ),
  );
  for (const { counts, limits, max, min } of Object.values(spreads)) {
    expect(counts.length).toBe(limits.length);
    expect(limits.at(-1)).toBe(max);
    expect(min).toBeLessThan(max);
  }
  const kernel = spreads['weights/dense_1/kernel']!;
  expect(kernel.counts.reduce((sum, count) => sum + count, 0)).toBe(6 * 8);
  // The gradients of a softmax's biases add up to nothing.
  expect(Math.abs(spreads['gradients/output/bias']!.sum)).toBeLessThan(1e-6);
});

test('a kill and a second attempt leave each epoch once, with the numbers of a training that nobody disturbed', async () => {
  const stores = memoryStores();
  const examples = await writeExamples(stores, classTable(400));
  const workDir = temporaryFolder();
  const running = runTraining(stepContext(stores, workDir), endless, examples, trainer);
  const failed = expect(running).rejects.toMatchObject({ code: 'TRAINER_CRASHED' });
  const saved = (): boolean =>
    existsSync(join(workDir, 'checkpoints')) && readdirSync(join(workDir, 'checkpoints')).some((name) => name.endsWith('.ckpt'));
  await until(async () => saved() && ((await curvesOf(stores))?.points.length ?? 0) > 6);
  process.kill(trainersOf(workDir)[0]!, 'SIGKILL');
  await failed;
  const killed = await curvesOf(stores);
  expect(killed).toMatchObject({ state: 'failed', why: expect.stringContaining('SIGKILL') as string });

  const stop = new AbortController();
  const again = runTraining(stepContext(stores, workDir, stop.signal), endless, examples, trainer);
  const cancelled = expect(again).rejects.toMatchObject({ code: 'CANCELLED' });
  await until(async () => (await curvesOf(stores))!.points.length > killed!.points.length + 5);
  stop.abort();
  await cancelled;
  const curves = (await curvesOf(stores))!;
  expect(curves).toMatchObject({ state: 'cancelled' });
  expect(curves.why).toBeUndefined();
  expect(curves.attempts.length).toBe(2);
  expect(curves.attempts[1]!.afterEpoch).toBeGreaterThan(0);
  expect(curves.points.map(({ epoch }) => epoch)).toEqual(curves.points.map((_, index) => index + 1));

  const whole = await runTraining(
    stepContext(memoryStoresWith(stores), temporaryFolder()),
    { ...endless, epochs: curves.points.length },
    examples,
    trainer,
  );
  expect(curves.points.map(({ epoch, numbers }) => ({ epoch, ...numbers }))).toEqual(whole.history);
});

/** The same artifacts. */
const memoryStoresWith = (stores: ReturnType<typeof memoryStores>): ReturnType<typeof memoryStores> => ({
  ...memoryStores(),
  artifacts: stores.artifacts,
});

test('of a training that fails the epochs before stay, with the reason; one that fails at once has none', async () => {
  const stores = memoryStores();
  const examples = await writeExamples(stores, numberTable(60));
  const diverging = config({ model: { architecture: 'mlp' }, optimizer: { sgd: { learningRate: 1e9 } }, epochs: 50 });
  await expect(runTraining(stepContext(stores, temporaryFolder()), diverging, examples, trainer)).rejects.toMatchObject({
    code: 'TRAINING_DIVERGED',
  });
  expect(await curvesOf(stores)).toMatchObject({ state: 'failed', why: expect.stringContaining('The loss became') as string });
});

const OF = { pipeline: 'p', run: 'r', step: 'train', binding: 'b'.repeat(64), settings: {} } as const;
const START = { epochs: 3, history: [], bestEpoch: null, trained: ['loss'], spreads: [], pictures: [] } as const;

test('a store that is away costs the curves and is said once', async () => {
  const { store } = memoryStores();
  const said: string[] = [];
  const broken = new Proxy(store, {
    get: (target, name) => (name === 'put' ? () => Promise.reject(new Error('no route')) : (target.get.bind(target) as unknown)),
  });
  const keeper = new CurveKeeper(broken, OF, (message) => said.push(message));
  await keeper.open();
  keeper.started(START);
  keeper.epoch({ numbers: { epoch: 1, loss: 2 }, bestEpoch: null });
  await keeper.end('done');
  expect(said).toEqual(['the curves of the training cannot be kept, training goes on without: no route']);
});

test('two attempts that write at once lose no epoch', async () => {
  const { store } = memoryStores();
  const keepers = [new CurveKeeper(store, OF, fail), new CurveKeeper(store, OF, fail)];
  for (const keeper of keepers) await keeper.open();
  keepers[0]!.started(START);
  keepers[0]!.epoch({ numbers: { epoch: 1, loss: 2 }, bestEpoch: null });
  await keepers[0]!.end('failed');
  keepers[1]!.started({ ...START, history: [] });
  keepers[1]!.epoch({ numbers: { epoch: 2, loss: 1, validationLoss: Number.NaN }, bestEpoch: null });
  await keepers[1]!.end('done');
  const [curves] = await readCurves(store, 'p', 'r');
  expect(curves!.points.map(({ epoch, numbers }) => [epoch, numbers])).toEqual([
    [1, { loss: 2 }],
    [2, { loss: 1 }],
  ]);
  await store.put(curvesKey(OF), Buffer.from('{"formatVersion":1}'));
  await expect(readCurves(store, 'p', 'r')).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
});

function fail(message: string): void {
  throw new Error(message);
}

test('curves are drawn for the width of the terminal, both sides of a number in one plot', () => {
  const points = Array.from({ length: 40 }, (_, index) => ({
    epoch: index + 1,
    at: index,
    numbers: { loss: 2 * 0.8 ** index, validationLoss: 0.5 + 0.01 * Math.abs(index - 10), accuracy: 0.9, learningRate: 0.001 },
  }));
  const curves = {
    formatVersion: 1,
    ...OF,
    state: 'cancelled',
    epochs: 60,
    bestEpoch: 11,
    points,
    trained: ['loss'],
    cached: false,
  } as const;
  const lines = curveLines(curves, 60);
  expect(lines.join('\n')).toMatchSnapshot();
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(72);
  expect(curveLines({ ...curves, points: points.slice(0, 1) }, 200).join('\n')).toContain('epoch 1');
  expect(curveLines({ ...curves, points: [] }, 80)).toEqual(['train: 0 of 60 epochs, best 11, cancelled']);
});
