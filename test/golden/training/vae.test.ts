import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { TensorSpec } from '../../../src/core/tensor.ts';
import gaussianSampling from '../../../src/training/layers/gaussianSampling.layer.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../../src/training/tensorflow/tf.ts';

interface Oracle {
  readonly rows: number;
  readonly width: number;
  readonly latent: number;
  readonly seed: readonly [number, number];
  readonly klWeight: number;
  readonly x: readonly number[];
  readonly weights: Readonly<Record<string, { readonly shape: number[]; readonly values: readonly number[] }>>;
  readonly training: {
    readonly loss: number;
    readonly kl: readonly number[];
    readonly rebuilt: readonly number[];
    readonly gradients: Readonly<Record<string, readonly number[]>>;
  };
  readonly inference: { readonly losses: readonly number[]; readonly rebuilt: readonly number[]; readonly errors: readonly number[] };
}

const tf = loadTf();
const oracle = JSON.parse(readFileSync(join(import.meta.dirname, 'vae.json'), 'utf8')) as Oracle;
const { rows, width, latent, klWeight, seed } = oracle;
const SPEC: TensorSpec = { name: 'x', shape: [width], dtype: 'float32' };

const resolved = resolveModel({
  objective: 'reconstruction',
  inputs: [SPEC],
  output: { kind: 'none', name: '' },
  loss: 'binaryCrossentropy',
  model: {
    layers: [
      { type: 'dense', name: 'encoder', units: 4, activation: 'tanh' },
      { type: 'dense', name: 'mean', inputs: ['encoder'], units: latent },
      { type: 'dense', name: 'variance', inputs: ['encoder'], units: latent },
      { type: 'gaussianSampling', name: 'latent', inputs: ['mean', 'variance'], klWeight },
      { type: 'dense', name: 'decoder', units: width, activation: 'sigmoid' },
    ],
  },
});
const objective = resolved.objective.create(resolved, {});
const x = tf.tensor([...oracle.x], [rows, width]);
const batch = { inputs: { x }, labels: {} };
const weightsOf = (tensors: readonly Tensor[]): ReadonlyMap<string, Tensor> =>
  new Map(objective.weights.map(({ fullName }, index) => [fullName, tensors[index]!]));
const given = objective.weights.map(({ fullName, shape }) => tf.tensor([...oracle.weights[fullName]!.values], [...shape]));

function close(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-5): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, index) =>
    expect(Math.abs(actual[index]! - value), `value ${index}`).toBeLessThan(tolerance * Math.max(1, Math.abs(value))),
  );
}

test('the sampling layer draws and diverges as in TensorFlow', () => {
  const dense = (h: Tensor, name: string): Tensor =>
    tf.add(
      tf.matMul(
        h as never,
        tf.tensor([...oracle.weights[`${name}/kernel`]!.values], oracle.weights[`${name}/kernel`]!.shape as [number, number]),
      ),
      [...oracle.weights[`${name}/bias`]!.values],
    );
  const encoded = tf.tanh(dense(x, 'encoder'));
  const added: Tensor[] = [];
  const call = (training: boolean): Tensor =>
    gaussianSampling.call(
      tf,
      [dense(encoded, 'mean'), dense(encoded, 'variance')],
      {},
      { klWeight: 1 },
      { training, masks: [], seed, update() {}, addLoss: (loss) => added.push(loss) },
    );
  close(tf.sigmoid(dense(call(true), 'decoder')).dataSync(), oracle.training.rebuilt);
  close(added[0]!.dataSync(), oracle.training.kl);
  close(tf.sigmoid(dense(call(false), 'decoder')).dataSync(), oracle.inference.rebuilt);
});

test('losses without noise, scores, and gradients are those of Keras and TensorFlow', () => {
  const { losses, output } = objective.evaluate(tf, weightsOf(given), batch);
  close(losses.dataSync(), oracle.inference.losses);
  close(output.dataSync(), oracle.inference.errors);
});

test('loss and gradients while training, noise included', () => {
  const lossOf = (weights: ReadonlyMap<string, Tensor>): Tensor =>
    objective.parts[0]!.loss(tf, weights, batch, { seed: 5, iteration: seed[1] }).loss;
  close(lossOf(weightsOf(given)).dataSync(), [oracle.training.loss]);
  const gradients = tf.grads((...tensors: Tensor[]) => lossOf(weightsOf(tensors)))(given);
  objective.weights.forEach(({ fullName }, index) => close(gradients[index]!.dataSync(), oracle.training.gradients[fullName]!));
});
