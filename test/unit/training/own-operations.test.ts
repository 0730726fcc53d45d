import { describe, expect, it } from 'vitest';
import { builtKernels } from '../../../src/provisioning/kernels.ts';
import { layerRegistry } from '../../../src/training/layers/index.generated.ts';
import { resolveNamed } from '../../../src/training/model/named.ts';
import { optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { mayUseOwnOperations } from '../../../src/training/tensorflow/own-operations.ts';
import { recording } from '../../../src/training/tensorflow/recorder.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../../src/training/tensorflow/tf.ts';

const tf = loadTf();
const random = (shape: readonly number[], seed: number): Tensor => tf.randomUniform([...shape], -1, 1, 'float32', seed);

/** Graphs for other readers hold the library's operations alone. */
const withoutOwn = <T>(body: () => T): T =>
  recording(
    {
      portable: true,
      scan: () => {
        throw new Error('a portable graph holds no loops');
      },
    },
    body,
  );

interface Case {
  readonly type: string;
  readonly shape: readonly number[];
  readonly config: Record<string, unknown>;
  readonly masked?: boolean;
}

const recurrent = { activation: 'tanh', recurrentActivation: 'sigmoid', dropout: 0, recurrentDropout: 0, goBackwards: false };
const cases: readonly Case[] = [
  ...(['gru', 'lstm'] as const).flatMap((type) =>
    [false, true].flatMap((masked) =>
      // Sizes that fill vectors and tasks, and sizes that leave an edge.
      [
        { shape: [5, 7, 3], units: 4 },
        { shape: [37, 9, 16], units: 33 },
        { shape: [16, 4, 40], units: 32 },
      ].map(({ shape, units }) => ({
        type,
        shape,
        masked,
        config: { ...recurrent, units, returnSequences: true, ...(type === 'gru' ? { resetAfter: true } : { unitForgetBias: true }) },
      })),
    ),
  ),
  ...[false, true].flatMap((causal) =>
    [false, true].map((masked) => ({
      type: 'multiHeadAttention',
      shape: [3, 19, 10],
      masked,
      config: { numHeads: 2, keyDim: 5, useBias: true, causal, dropout: 0, kernelInitializer: 'glorotUniform' },
    })),
  ),
  ...(['relu', 'linear'] as const).flatMap((activation) =>
    [
      { shape: [5, 3], units: 1 },
      { shape: [600, 37], units: 50 },
      { shape: [600, 32], units: 64 },
      { shape: [9, 5, 30], units: 17 },
      // Whose kernel is packed by several threads, and whose gradient is cut by its rows.
      { shape: [70, 300], units: 290 },
      { shape: [0, 6], units: 4 },
    ].map(({ shape, units }, index) => ({ type: 'dense', shape, config: { units, activation, useBias: index % 3 !== 1 } })),
  ),
  // Of no rows at all.
  { type: 'lstm', shape: [0, 4, 3], config: { ...recurrent, units: 5, returnSequences: true, unitForgetBias: true } },
  { type: 'layerNormalization', shape: [0, 37], config: { epsilon: 0.001, center: true, scale: true } },
  { type: 'layerNormalization', shape: [600, 37], config: { epsilon: 0.001, center: true, scale: true } },
];

/** The output of a layer, and the gradients of all that it reads. */
function outcome({ type, shape, config, masked = false }: Case): Float32Array[] {
  const definition = layerRegistry.get(type, 'MODEL_INVALID');
  const specs = definition.weights([shape.slice(1)], config as never);
  const values = [random(shape, 1), ...specs.map((spec, index) => random(spec.shape, 2 + index))];
  const mask = masked ? tf.cast(tf.greater(random(shape.slice(0, 2), 99), -0.3), 'float32') : undefined;
  const context = { training: true, seed: [1, 1], masks: [mask], rowWeights: undefined, penalize: () => undefined };
  const run = (...[x, ...weights]: Tensor[]): Tensor =>
    definition.call(
      tf,
      [x!],
      Object.fromEntries(specs.map(({ name }, index) => [name, weights[index]!])),
      config as never,
      context as never,
    );
  const output = run(...values);
  const slope = random(output.shape, 77);
  const gradients = tf.grads((...moved: Tensor[]) => tf.sum(tf.mul(run(...moved), slope)))(values);
  return [output, ...gradients].map((tensor) => tensor.dataSync() as Float32Array);
}

function expectSame(own: readonly Float32Array[], library: readonly Float32Array[]): void {
  expect(own.length).toBe(library.length);
  own.forEach((values, index) => {
    const expected = library[index]!;
    const scale = Math.max(1, ...expected.map(Math.abs));
    expect(values).toHaveLength(expected.length);
    expect(Math.max(...values.map((value, at) => Math.abs(value - expected[at]!))) / scale).toBeLessThan(5e-6);
  });
}

describe.skipIf(builtKernels() === undefined)('our own operations', () => {
  it('are used, but not in graphs for other readers', () => {
    expect(mayUseOwnOperations(tf)).toBe(true);
    expect(withoutOwn(() => mayUseOwnOperations(tf))).toBe(false);
  });

  it.each(cases)('$type over $shape, masked: $masked, gives what the operations of the library give', (each) => {
    expectSame(
      outcome(each),
      withoutOwn(() => outcome(each)),
    );
  });

  it('an update by Adam is that of the operations of the library', () => {
    const { definition, config } = resolveNamed(optimizerRegistry, 'adam');
    const update = (): Float32Array[] => {
      const slots = { mean: random([20_001], 3), variance: tf.abs(random([20_001], 4)) };
      const step = { weights: random([20_001], 1), gradient: random([20_001], 2), slots, scalars: { alpha: tf.scalar(0.01) } };
      const next = definition.update(tf, step, config);
      return [next.weights, next.slots.mean!, next.slots.variance!].map((tensor) => tensor.dataSync() as Float32Array);
    };
    expectSame(update(), withoutOwn(update));
  });

  it('what is not a number stays so', () => {
    for (const type of ['gru', 'lstm']) {
      const definition = layerRegistry.get(type, 'MODEL_INVALID');
      const config = { ...recurrent, units: 3, returnSequences: false, resetAfter: true } as never;
      const weights = Object.fromEntries(definition.weights([[4, 2]], config).map(({ name, shape }) => [name, random(shape, 5)]));
      const context = { training: false, seed: [1, 1], masks: [undefined] } as never;
      const output = definition.call(tf, [tf.fill([1, 4, 2], NaN)], weights, config, context);
      expect([...(output.dataSync() as Float32Array)]).toEqual([NaN, NaN, NaN]);
    }
  });
});
