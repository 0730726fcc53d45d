import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { TensorBatch } from '../../../src/core/tensor.ts';
import { resolveNamed } from '../../../src/training/model/named.ts';
import { optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { createEngine } from '../../../src/training/trainer/create-engine.ts';
import type { TrainingEngine } from '../../../src/training/trainer/engine.ts';

const ROWS = 8;
const spec = { name: 'image', shape: [8, 8, 1], dtype: 'float32' as const, range: [0, 1] as [number, number] };
const output = { kind: 'classes' as const, name: 'label', classes: ['a', 'b'] };

function batch(number: number): TensorBatch {
  const random = new Prng('gan test', number);
  return {
    image: { spec, rows: ROWS, data: Float32Array.from({ length: ROWS * 64 }, () => random.uniform()) },
    '@label': {
      spec: { name: '@label', shape: [1], dtype: 'int32' },
      rows: ROWS,
      data: Int32Array.from({ length: ROWS }, (_, row) => row % 2),
    },
  };
}

function setUp(
  settings: Record<string, unknown>,
  choice: 'eager' | 'compiled',
): { engine: TrainingEngine; steps: (first: number, count: number) => number[][] } {
  const model = { architecture: 'gan', latentSize: 4, generator: { filters: [4] }, discriminator: { filters: [4] }, ...settings };
  const resolved = resolveModel({ model, inputs: [spec], output });
  const objective = resolved.objective.create(resolved, {});
  const { engine } = createEngine(
    loadTf(),
    { objective, optimizer: resolveNamed(optimizerRegistry, { adam: { learningRate: 0.01, beta1: 0.5 } }), seed: 3 },
    { train: [ROWS], evaluate: ROWS, rowWeights: false },
    choice,
  );
  return {
    engine,
    steps: (first, count) =>
      Array.from({ length: count }, (_, index) =>
        Array.from(engine.train([objective.batch(batch(first + index))], first + index, [0.01])[0]!.numbers),
      ),
  };
}

describe.each([
  ['binaryCrossentropy', { labelSmoothing: 0.1 }],
  ['leastSquares', { conditional: true }],
  ['hinge', { discriminator: { filters: [4, 4], batchNormalization: true } }],
  ['wasserstein', { criticSteps: 2 }],
])('gan with the loss %s', (loss, settings) => {
  it('is the same in both engines', () => {
    const eager = setUp({ loss, ...settings }, 'eager');
    const compiled = setUp({ loss, ...settings }, 'compiled');
    const [ours, theirs] = [eager.steps(0, 5), compiled.steps(0, 5)];
    ours.forEach((numbers, step) => numbers.forEach((value, index) => expect(theirs[step]![index]).toBeCloseTo(value, 3)));
    for (const { engine } of [eager, compiled]) engine.dispose();
  });

  it('goes on from a checkpoint bit by bit', () => {
    const whole = setUp({ loss, ...settings }, 'compiled');
    whole.steps(0, 3);
    const state = whole.engine.state();
    const rest = whole.steps(3, 3);
    const resumed = setUp({ loss, ...settings }, 'compiled');
    resumed.engine.restore(state);
    expect(resumed.steps(3, 3)).toEqual(rest);
    expect([...resumed.engine.weights()]).toEqual([...whole.engine.weights()]);
    for (const { engine } of [whole, resumed]) engine.dispose();
  });
});

it('moves the generator in every second update alone', () => {
  const { engine, steps } = setUp({ criticSteps: 2 }, 'compiled');
  const before = engine.weights();
  steps(0, 1);
  const after = engine.weights();
  const moved = (name: string): boolean => before.get(name)!.some((value, index) => value !== after.get(name)![index]);
  expect(moved('dense/kernel')).toBe(false);
  expect(moved('discriminator/verdict/kernel')).toBe(true);
  steps(1, 1);
  expect(engine.weights().get('dense/kernel')).not.toEqual(before.get('dense/kernel'));
  engine.dispose();
});

it('refuses a loss of the train step, settings without meaning, and labels that are no classes', () => {
  const resolve = (settings: object, more: object = {}): unknown =>
    resolveModel({ model: { architecture: 'gan', ...settings }, inputs: [spec], output, ...more });
  expect(() => resolve({}, { loss: 'meanSquaredError' })).toThrow(/loss/);
  expect(() => resolve({ loss: 'hinge', labelSmoothing: 0.1 })).toThrow(/smoothed/);
  expect(() => resolve({ conditional: true }, { output: { kind: 'none', name: '' } })).toThrow(/needs a label of classes/);
});
