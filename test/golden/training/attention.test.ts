import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withDefaults } from '../../../src/training/model/named.ts';
import { layerRegistry } from '../../../src/training/layers/index.generated.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../../src/training/tensorflow/tf.ts';

interface Values {
  readonly shape: number[];
  readonly values: number[];
}
interface Case {
  readonly type: string;
  readonly config: Record<string, unknown>;
  readonly inputs: Values[];
  readonly masks: (number[][] | null)[];
  readonly weights: Values[];
  readonly factors: Values;
  readonly output: Values;
  readonly loss: number;
  readonly gradients: Values[];
}

const tf = loadTf();
const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, 'attention.json'), 'utf8')) as { cases: Case[] };
const tensor = ({ shape, values }: Values): Tensor => tf.tensor(values, shape, 'float32');

function expectClose(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (const [index, value] of expected.entries())
    expect(Math.abs(actual[index]! - value), `at ${index}: ${actual[index]} for ${value}`).toBeLessThanOrEqual(
      tolerance * (1 + Math.abs(value)),
    );
}

describe('attention and layer normalization agree with Keras 3, outputs and gradients', () => {
  test.each(
    cases.map(
      (golden, index) =>
        [`${index} ${golden.type} ${JSON.stringify(golden.config)}${golden.masks.some(Boolean) ? ' masked' : ''}`, golden] as const,
    ),
  )('%s', (_title, golden) => {
    const layer = layerRegistry.get(golden.type);
    const config = withDefaults(layer.configSchema, golden.config);
    const shapes = golden.inputs.map(({ shape }) => shape.slice(1));
    const specs = layer.weights(shapes, config);
    expect(specs.map((spec) => spec.shape)).toEqual(golden.weights.map(({ shape }) => shape));
    expect([golden.output.shape[0], ...layer.outputShape(shapes, config)]).toEqual(golden.output.shape);
    const masks = golden.masks.map((mask) => (mask === null ? undefined : tf.tensor2d(mask, undefined, 'float32')));
    const factors = tensor(golden.factors);
    let output: Tensor | undefined;
    const loss = (...tensors: Tensor[]): Tensor => {
      const weights = Object.fromEntries(specs.map((spec, index) => [spec.name, tensors[shapes.length + index]!]));
      output = layer.call(tf, tensors.slice(0, shapes.length), weights, config, {
        training: true,
        masks,
        seed: [1, 2],
        update() {},
        addLoss() {},
      });
      return tf.sum(tf.mul(tf.keep(output), factors));
    };
    const { value, grads } = tf.valueAndGrads(loss)([...golden.inputs.map(tensor), ...golden.weights.map(tensor)]);
    const seen = tf.mul(output!, tf.cast(tf.notEqual(factors, 0), 'float32'));
    const expected = tf.mul(tensor(golden.output), tf.cast(tf.notEqual(factors, 0), 'float32'));
    expectClose(seen.dataSync(), [...expected.dataSync()], 2e-6);
    expectClose(value.dataSync(), [golden.loss], 1e-5);
    for (const [index, gradient] of grads.entries()) expectClose(gradient.dataSync(), golden.gradients[index]!.values, 1e-5);
  });

  test('the gradient of a layer normalization can be differentiated again', () => {
    const layer = layerRegistry.get('layerNormalization');
    const config = withDefaults(layer.configSchema, {});
    const weights = { gamma: tf.tensor1d([1, 2, 0.5]), beta: tf.tensor1d([0, 1, 2]) };
    const value = (x: Tensor): Tensor =>
      tf.sum(
        tf.square(layer.call(tf, [x], weights, config, { training: true, masks: [undefined], seed: [1, 2], update() {}, addLoss() {} })),
      );
    const slope = (x: Tensor): Tensor => tf.sum(tf.square(tf.grad(value)(x)));
    const x = [0.3, -1.2, 0.8];
    const second = tf
      .grad(slope)(tf.tensor2d([x]))
      .dataSync();
    const step = 1e-2;
    for (const [index, each] of second.entries()) {
      const at = (move: number): number => slope(tf.tensor2d([x.map((old, place) => old + (place === index ? move : 0))])).dataSync()[0]!;
      expect(each).toBeCloseTo((at(step) - at(-step)) / (2 * step), 1);
    }
  });
});
