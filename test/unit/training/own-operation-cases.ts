import { layerRegistry } from '../../../src/training/layers/index.generated.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../../src/training/tensorflow/tf.ts';

const tf = loadTf();
export const random = (shape: readonly number[], seed: number): Tensor => tf.randomUniform([...shape], -1, 1, 'float32', seed);

/** A layer that is computed by an operation of our own. */
export interface Case {
  readonly type: string;
  readonly shape: readonly number[];
  readonly config: Record<string, unknown>;
  readonly masked?: boolean;
}

export const recurrent = { activation: 'tanh', recurrentActivation: 'sigmoid', dropout: 0, recurrentDropout: 0, goBackwards: false };
export const cases: readonly Case[] = [
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
export function outcome({ type, shape, config, masked = false }: Case): Float32Array[] {
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
