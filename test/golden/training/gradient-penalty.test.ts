import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { OutputSpec } from '../../../src/core/tensor.ts';
import { LATENT_LABEL } from '../../../src/data/answers/latent.ts';
import { gradientPenalty } from '../../../src/training/objectives/shared/adversarial-losses.ts';
import { NO_LOGITS, Network } from '../../../src/training/model/network.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../../src/training/tensorflow/tf.ts';

interface Case {
  readonly shape: readonly number[];
  readonly real: readonly number[];
  readonly generated: readonly number[];
  readonly share: readonly number[];
  readonly weights: Readonly<Record<string, readonly number[]>>;
  readonly penalties: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}
interface Oracle {
  readonly rows: number;
  readonly labels: readonly number[];
  readonly image: Case;
  readonly table: Case;
}

const tf = loadTf();
const oracle = JSON.parse(readFileSync(join(import.meta.dirname, 'gradient-penalty.json'), 'utf8')) as Oracle;
const { rows, labels } = oracle;
const CLASSES: OutputSpec = { kind: 'classes', name: 'kind', classes: ['a', 'b', 'c'] };

function close(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, index) =>
    expect(Math.abs(actual[index]! - value), `value ${index}`).toBeLessThan(1e-5 * Math.max(1, Math.abs(value))),
  );
}

test.each([
  ['an image', oracle.image, { generator: { filters: [2], outputActivation: 'linear' }, discriminator: { filters: [3, 4] } }],
  ['a row of a table with its class', oracle.table, { conditional: true, discriminator: { units: [4], activation: 'tanh' } }],
])('the gradient penalty of the critic of %s is that of TensorFlow, in value and gradient', (_title, expected, settings) => {
  const input = { name: 'x', shape: expected.shape, dtype: 'float32' as const };
  const { companions } = resolveModel({
    model: { architecture: 'gan', loss: 'wasserstein', latentSize: 2, ...settings },
    inputs: [input],
    output: CLASSES,
  });
  const critic = new Network(companions.discriminator!);
  const tensor = (values: readonly number[], shape: readonly number[]): Tensor => tf.tensor([...values], [...shape], 'float32');
  const [real, generated] = [tensor(expected.real, [rows, ...expected.shape]), tensor(expected.generated, [rows, ...expected.shape])];
  const wanted: Readonly<Record<string, Tensor>> =
    'conditional' in settings ? { [LATENT_LABEL]: tf.tensor([...labels], [rows, 1], 'int32') } : {};
  const penalties = (tensors: readonly Tensor[]): Tensor => {
    const weights = new Map(critic.weights.map(({ fullName }, index) => [fullName, tensors[index]!]));
    const verdict = (x: Tensor): Tensor =>
      critic.forward(tf, { x, ...wanted }, weights, { training: true, seed: 1, iteration: 0, logits: NO_LOGITS }).output;
    return gradientPenalty(tf, verdict, real, generated, tensor(expected.share, [rows, 1]));
  };
  const given = critic.weights.map(({ fullName, shape }) => tensor(expected.weights[fullName]!, shape));
  close(penalties(given).dataSync(), expected.penalties);
  // Unlike tf.grads, this allows weights that the penalty does not depend on: the last bias.
  const { grads } = tf
    .engine()
    .gradients(() => tf.mean(penalties(given)) as import('@tensorflow/tfjs-node').Scalar, given, undefined, true);
  critic.weights.forEach(({ fullName, shape }, index) =>
    close((grads[index] ?? tf.zeros([...shape])).dataSync(), expected.gradients[fullName]!),
  );
});
