import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { Json } from '../../../src/core/json.ts';
import { Network } from '../../../src/training/model/network.ts';
import { runTraining } from '../../../src/training/step/run-training.ts';
import type { TrainingReport } from '../../../src/training/step/run-training.ts';
import { completeTrainConfig } from '../../../src/training/step/train-config.ts';
import { digestModelFile } from '../../../src/training/transfer/base-files.ts';
import type { BaseSource } from '../../../src/training/transfer/base-files.ts';
import type { Topology } from '../../../src/training/model/model-config.ts';
import { decodeWeights } from '../../../src/training/bundle/weights-file.ts';
import type { WeightsManifest } from '../../../src/training/bundle/weights-file.ts';
import { asJson, buildTrainer, classTable, imageTable, memoryStores, stepContext, temporaryFolder, writeExamples } from './fixtures.ts';
import type { Stores, Table } from './fixtures.ts';

let trainer = '';

beforeAll(async () => {
  trainer = await buildTrainer();
});

afterAll(() => rmSync(dirname(trainer), { recursive: true, force: true }));

const FITTED = { formatVersion: 1, seed: 1, columns: [] };

async function train(stores: Stores, table: Table, config: Json, base?: BaseSource): Promise<TrainingReport> {
  return runTraining(
    stepContext(stores, temporaryFolder()),
    completeTrainConfig(asJson(config)),
    await writeExamples(stores, table, FITTED),
    trainer,
    base,
  );
}

async function weightsOf({ artifacts }: Stores, ref: ArtifactRef): Promise<Map<string, Float32Array>> {
  const artifact = await artifacts.open(ref);
  const network = new Network(await artifact.json<Topology>('topology.json'));
  return decodeWeights(network.weights, await artifact.json<WeightsManifest>('weights.json'), await artifact.bytes('weights.bin'));
}

test('a registered model is the base of another one: what is frozen stays, bit for bit', async () => {
  const stores = memoryStores();
  const network: Json = {
    layers: [
      { type: 'conv2d', name: 'conv', filters: 4, kernelSize: 3, activation: 'relu' },
      { type: 'batchNormalization', name: 'norm' },
      { type: 'globalAveragePooling2d' },
      { type: 'dense', name: 'middle', units: 6, activation: 'relu' },
      { type: 'dense', units: 4, activation: 'softmax' },
    ],
  };
  const low = await train(stores, imageTable(96), { model: network, epochs: 2, learningRate: 0.01 });
  expect(low.meta.base).toBeUndefined();
  const source: BaseSource = {
    origin: { model: 'quadrants', version: 1, digest: low.model.digest },
    artifact: await stores.artifacts.open(low.model),
  };
  const config = {
    model: {
      from: { model: 'quadrants' },
      head: 'replace',
      freeze: ['conv', 'norm'],
      unfreeze: [{ atEpoch: 3, layers: ['conv'] }],
      learningRateFactors: [{ layers: ['middle'], factor: 0.5 }],
    },
    epochs: 2,
    batchSize: 16,
  };
  const table = imageTable(64);
  const high = await train(
    stores,
    { ...table, output: { kind: 'classes', name: 'corner', classes: ['w', 'x', 'y', 'z'] } },
    config,
    source,
  );
  expect(high.meta).toMatchObject({
    base: { model: 'quadrants', version: 1, digest: low.model.digest },
    training: { engine: 'compiled', model: config.model },
  });
  const [before, after] = [await weightsOf(stores, low.model), await weightsOf(stores, high.model)];
  const moved = [...after]
    .filter(([name, values]) => before.get(name)?.every((value, index) => value === values[index]) !== true)
    .map(([name]) => name);
  // The convolution would have begun in the third epoch.
  expect(moved).toEqual(['middle/kernel', 'middle/bias', 'output/kernel', 'output/bias']);

  const eager = await train(
    stores,
    { ...table, output: { kind: 'classes', name: 'corner', classes: ['w', 'x', 'y', 'z'] } },
    { ...config, engine: 'eager' },
    source,
  );
  expect(eager.meta.final.loss).toBeCloseTo(high.meta.final.loss!, 4);
  const third = await train(
    stores,
    { ...table, output: { kind: 'classes', name: 'corner', classes: ['w', 'x', 'y', 'z'] } },
    { ...config, epochs: 3 },
    source,
  );
  const later = await weightsOf(stores, third.model);
  expect(later.get('conv/kernel')!.some((value, index) => value !== before.get('conv/kernel')![index])).toBe(true);
  expect(later.get('norm/movingMean')).toEqual(before.get('norm/movingMean'));

  // Statistics move from the epoch on in which their layer is unfrozen.
  const woken = async (engine: string): Promise<Map<string, Float32Array>> =>
    weightsOf(
      stores,
      (
        await train(
          stores,
          { ...table, output: { kind: 'classes', name: 'corner', classes: ['w', 'x', 'y', 'z'] } },
          { ...config, engine, model: { ...config.model, unfreeze: [{ atEpoch: 2, layers: ['conv', 'norm'] }] } },
          source,
        )
      ).model,
    );
  const [compiled, stepwise] = [await woken('compiled'), await woken('eager')];
  for (const name of ['norm/movingMean', 'norm/movingVariance', 'norm/gamma']) {
    const [was, is] = [before.get(name)!, compiled.get(name)!];
    expect(is.every((value, index) => value !== was[index])).toBe(true);
    stepwise.get(name)!.forEach((value, index) => expect(Math.abs(value - is[index]!)).toBeLessThan(1e-5));
  }
});

test('training goes on: the same task from where it was left', async () => {
  const stores = memoryStores();
  const table = classTable(200);
  const first = await train(stores, table, {
    model: { architecture: 'mlp', units: [16] },
    epochs: 8,
    learningRate: 0.02,
    loss: { categoricalCrossentropy: { labelSmoothing: 0.1 } },
  });
  const source: BaseSource = {
    origin: { model: 'kinds', version: 4, digest: first.model.digest },
    artifact: await stores.artifacts.open(first.model),
  };
  const further = await train(stores, table, { model: { from: { model: 'kinds' } }, epochs: 1, learningRate: 0.0005 }, source);
  // With the loss of its base, smoothing included.
  expect(further.meta.loss).toBe('categoricalCrossentropy');
  expect(further.meta.final.loss!).toBeLessThan(first.meta.final.loss! * 1.02);
  expect(further.history[0]!.loss).toBeLessThan(first.history[0]!.loss! * 0.9);
  await expect(train(stores, classTable(60, 6, 2), { model: { from: { model: 'kinds' } } }, source)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringContaining('"head": "keep" needs the task of kinds version 4') as string,
  });
});

test('an autoencoder goes on rebuilding its inputs; a classifier takes over its encoder', async () => {
  const stores = memoryStores();
  const table = classTable(160);
  const first = await train(stores, table, {
    model: { architecture: 'autoencoder', units: [12], latent: 2 },
    objective: { reconstruction: { quantile: 0.9 } },
    epochs: 4,
    learningRate: 0.01,
  });
  const source: BaseSource = {
    origin: { model: 'normal', version: 1, digest: first.model.digest },
    artifact: await stores.artifacts.open(first.model),
  };
  const further = await train(stores, table, { model: { from: { model: 'normal' } }, epochs: 1, learningRate: 0.0005 }, source);
  expect(further.meta.output).toMatchObject({ kind: 'anomaly', calibration: { quantile: 0.9 } });
  expect(further.meta.training).toMatchObject({ objective: { reconstruction: { quantile: 0.9 } } });
  expect(further.history[0]!.loss).toBeLessThan(first.history.at(-1)!.loss!);
  expect(await stores.artifacts.open(further.model).then((artifact) => artifact.json('topology.json'))).toEqual(
    await stores.artifacts.open(first.model).then((artifact) => artifact.json('topology.json')),
  );
  // And once more, from what went on.
  const again: BaseSource = {
    origin: { model: 'normal', version: 2, digest: further.model.digest },
    artifact: await stores.artifacts.open(further.model),
  };
  expect((await train(stores, table, { model: { from: { model: 'normal' } }, epochs: 1 }, again)).meta.output).toMatchObject({
    kind: 'anomaly',
    calibration: { quantile: 0.9 },
  });
  await expect(
    train(stores, table, { model: { from: { model: 'normal' } }, objective: 'supervised', epochs: 1 }, source),
  ).rejects.toMatchObject({ code: 'MODEL_INVALID', message: expect.stringContaining('was trained towards "reconstruction"') as string });

  const topology = await source.artifact.json<Topology>('topology.json');
  const latent = topology.layers.find(({ name }) => name.startsWith('latent'))!.name;
  const classifier = await train(
    stores,
    table,
    { model: { from: { model: 'normal' }, head: 'replace', until: latent, freeze: ['*'] }, epochs: 1 },
    source,
  );
  expect(classifier.meta).toMatchObject({ outputShape: [3], loss: 'categoricalCrossentropy', output: { kind: 'classes' } });
});

/** A TF.js layers model of two dense layers. */
function writeModel(dir: string): { readonly hidden: Float32Array } {
  mkdirSync(dir, { recursive: true });
  const hidden = Float32Array.from({ length: 6 * 5 }, (_, index) => Math.sin(index));
  const values = [hidden, new Float32Array(5), Float32Array.from({ length: 5 * 9 }, (_, index) => Math.cos(index)), new Float32Array(9)];
  const layer = (name: string, units: number, activation: string, first: boolean): Json => ({
    class_name: 'Dense',
    config: { name, units, activation, use_bias: true, ...(first ? { batch_input_shape: [null, 6] } : {}) },
  });
  const weights = [
    ['hidden/kernel', [6, 5]],
    ['hidden/bias', [5]],
    ['nine/kernel', [5, 9]],
    ['nine/bias', [9]],
  ].map(([name, shape]) => ({ name, shape, dtype: 'float32' }));
  writeFileSync(
    join(dir, 'model.json'),
    JSON.stringify({
      format: 'layers-model',
      modelTopology: {
        keras_version: '2.11.0',
        model_config: {
          class_name: 'Sequential',
          config: { name: 'sequential', layers: [layer('hidden', 5, 'relu', true), layer('nine', 9, 'softmax', false)] },
        },
      },
      weightsManifest: [{ paths: ['weights.bin'], weights }],
    }),
  );
  writeFileSync(join(dir, 'weights.bin'), Buffer.concat(values.map((each) => Buffer.from(each.buffer))));
  return { hidden };
}

test('a model file is the base: its layers by their names, its shards in its digest', async () => {
  const stores = memoryStores();
  const dir = temporaryFolder();
  const { hidden } = writeModel(join(dir, 'base'));
  const { path, digest } = await digestModelFile('base', dir);
  expect(path).toBe(join(dir, 'base', 'model.json'));
  const source: BaseSource = { origin: { file: 'base', digest }, path };
  const report = await train(
    stores,
    classTable(80),
    { model: { from: { file: 'base' }, head: 'replace', freeze: ['hidden'] }, epochs: 1 },
    source,
  );
  expect(report.meta.base).toEqual({ file: 'base', digest });
  expect((await weightsOf(stores, report.model)).get('hidden/kernel')).toEqual(hidden);
  await expect(train(stores, classTable(80), { model: { from: { file: 'base' } }, epochs: 1 }, source)).rejects.toMatchObject({
    code: 'SHAPE_MISMATCH',
    message: expect.stringContaining('The last layer "nine" gives [9]') as string,
  });
  await expect(
    train(stores, classTable(80, 7), { model: { from: { file: 'base' }, head: 'replace' }, epochs: 1 }, source),
  ).rejects.toMatchObject({ code: 'SHAPE_MISMATCH', message: expect.stringContaining('the shapes differ') as string });

  writeFileSync(join(dir, 'base', 'weights.bin'), Buffer.alloc(40));
  expect((await digestModelFile('base', dir)).digest).not.toBe(digest);
  await expect(
    train(stores, classTable(80), { model: { from: { file: 'base' }, head: 'replace' }, epochs: 1 }, source),
  ).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  rmSync(join(dir, 'base', 'weights.bin'));
  await expect(digestModelFile('base', dir)).rejects.toMatchObject({
    code: 'SOURCE_NOT_FOUND',
    message: expect.stringContaining('names the weights "weights.bin"') as string,
  });
  writeFileSync(join(dir, 'base', 'model.json'), '{');
  await expect(digestModelFile('base', dir)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringMatching(/base\/model\.json cannot be read as a model: its content is no JSON/) as string,
  });
  await expect(digestModelFile('nothing.h5', dir)).rejects.toMatchObject({
    code: 'SOURCE_NOT_FOUND',
    hint: expect.stringContaining(dir) as string,
  });
});
