/**
 * Memory of a training over its epochs: resident set size (MiB) after some of them, with shuffling, validation, early stopping and a
 * checkpoint per epoch. Goal: flat. What grows in the first epochs are TensorFlow's buffers and the heap of Node.
 *
 *     node bench/run.mjs memory [--only mlp,lstm] [--epochs 1000]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Prng } from '../src/core/prng.ts';
import type { TensorBatch, TensorSpec } from '../src/core/tensor.ts';
import { packageRoot } from '../src/platform/paths.ts';
import type { Callback } from '../src/training/callbacks/callback.ts';
import { gainsFromOneDnn } from '../src/training/model/describe.ts';
import type { LayerConfig } from '../src/training/model/model-config.ts';
import { resolveNamed } from '../src/training/model/named.ts';
import { callbackRegistry } from '../src/training/callbacks/index.generated.ts';
import { optimizerRegistry } from '../src/training/optimizers/index.generated.ts';
import { resolveModel } from '../src/training/model/resolve-model.ts';
import { product } from '../src/training/layers/shapes.ts';
import { loadTf, preferOneDnn } from '../src/training/tensorflow/tf.ts';
import { CheckpointFolder } from '../src/training/trainer/checkpoint.ts';
import { createEngine } from '../src/training/trainer/create-engine.ts';
import { EVALUATED_ROWS } from '../src/training/trainer/evaluate-set.ts';
import { TrainLoop, stepsPerEpoch } from '../src/training/trainer/train-loop.ts';
import { tableReader } from '../test/support/table-reader.ts';

interface Case {
  readonly epochs: number;
  readonly rows: number;
  readonly shape: readonly number[];
  readonly layers: readonly LayerConfig[];
}

const HEAD: LayerConfig = { type: 'dense', units: 3, activation: 'softmax' };
const CASES: Readonly<Record<string, Case>> = {
  mlp: {
    epochs: 1_000,
    rows: 300,
    shape: [20],
    layers: [{ type: 'dense', units: 32, activation: 'relu' }, { type: 'dropout', rate: 0.2 }, HEAD],
  },
  eagerMlp: {
    epochs: 200,
    rows: 300,
    shape: [20],
    layers: [{ type: 'dense', units: 32, activation: 'relu' }, { type: 'dropout', rate: 0.2 }, HEAD],
  },
  cnn: {
    epochs: 200,
    rows: 160,
    shape: [12, 12, 1],
    layers: [
      { type: 'conv2d', filters: 8, kernelSize: 3, activation: 'relu' },
      { type: 'batchNormalization' },
      { type: 'maxPooling2d', poolSize: 2 },
      { type: 'flatten' },
      HEAD,
    ],
  },
  lstm: { epochs: 200, rows: 160, shape: [12, 4], layers: [{ type: 'lstm', units: 8 }, HEAD] },
};
const LOOKS = [10, 50, 100, 200, 500, 1_000];

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: { case: { type: 'string' }, only: { type: 'string' }, epochs: { type: 'string' } },
});

function rowsOf(spec: TensorSpec, rows: number): TensorBatch {
  const prng = new Prng(rows);
  return {
    x: { spec, rows, data: Float32Array.from({ length: rows * product(spec.shape) }, () => prng.normal()) },
    '@label': { spec: { name: '@label', shape: [1], dtype: 'int32' }, rows, data: Int32Array.from({ length: rows }, () => prng.below(3)) },
  };
}

async function measure(name: string): Promise<Record<string, number>> {
  const { rows, shape, layers, ...given } = CASES[name]!;
  const epochs = Number(options.epochs ?? given.epochs);
  const spec: TensorSpec = { name: 'x', shape, dtype: 'float32' };
  const resolved = resolveModel({ model: { layers }, inputs: [spec], output: { kind: 'classes', name: 'y', classes: ['a', 'b', 'c'] } });
  if (gainsFromOneDnn(resolved.topology)) preferOneDnn();
  const objective = resolved.objective.create(resolved, {});
  const batchSize = 32;
  const [train, validation] = [tableReader(rowsOf(spec, rows)), tableReader(rowsOf(spec, 64))];
  const sizes = {
    train: [batchSize, ...(rows % batchSize > 0 ? [rows % batchSize] : [])],
    evaluate: Math.min(EVALUATED_ROWS, 64),
    rowWeights: false,
  };
  const { engine } = createEngine(
    loadTf(),
    { objective, optimizer: resolveNamed(optimizerRegistry, 'adam'), seed: 1 },
    sizes,
    name.startsWith('eager') ? 'eager' : 'compiled',
  );
  const perEpoch = stepsPerEpoch(rows, batchSize);
  const facts = {
    epochs,
    steps: epochs * perEpoch,
    stepsPerEpoch: perEpoch,
    numbers: [...objective.numbers, 'validationLoss', ...objective.metrics],
  };
  const sizesSeen: Record<string, number> = {};
  const watcher: Callback = {
    epochEnd(epoch) {
      if (LOOKS.includes(epoch)) sizesSeen[`epoch ${epoch}`] = Math.round(process.memoryUsage.rss() / 2 ** 20);
      return {};
    },
    state: () => ({}),
    restore() {},
  };
  const { definition, config } = resolveNamed(callbackRegistry, { earlyStopping: { patience: epochs } });
  const folder = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  try {
    await new TrainLoop({
      engine,
      train,
      validation,
      objective,
      callbacks: [watcher, definition.create(config, facts)],
      settings: {
        epochs,
        steps: facts.steps,
        accumulation: 1,
        batchSize,
        seed: 1,
        shuffle: true,
        learningRate: 0.001,
        validateEveryEpochs: 1,
        checkpointEveryEpochs: 1,
        checkpointEverySeconds: 5,
      },
      checkpoints: new CheckpointFolder(folder, 'bench', 2),
      send() {},
      cancelled: () => false,
    }).run();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return sizesSeen;
}

if (options.case !== undefined) {
  console.log(JSON.stringify(await measure(options.case)));
} else {
  const results: Record<string, unknown> = {};
  for (const name of options.only?.split(',') ?? Object.keys(CASES)) {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [
        join(packageRoot(), 'bench', 'run.mjs'),
        'memory',
        '--case',
        name,
        ...(options.epochs === undefined ? [] : ['--epochs', options.epochs]),
      ],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr.slice(-2_000)}`);
    results[name] = JSON.parse(stdout.trim().split('\n').at(-1)!);
  }
  console.log(JSON.stringify({ unit: 'MiB resident', results }, null, 2));
}
