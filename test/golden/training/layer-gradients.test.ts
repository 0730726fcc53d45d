import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LayerDefinition } from '../../../src/training/layers/layer.ts';
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
  readonly training: boolean;
  readonly integers: boolean;
  readonly inputs: Values[];
  readonly weights: Values[];
  readonly trainable: boolean[];
  readonly output: Values;
  readonly cotangent: Values;
  readonly inputGradients: (Values | null)[];
  readonly weightGradients: (Values | null)[];
  readonly masks?: (number[][] | null)[];
  readonly outputMask?: number[][] | null;
}

const tf = loadTf();
const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, 'layer-gradients.json'), 'utf8')) as { cases: Case[] };
const tensor = ({ shape, values }: Values, dtype: 'float32' | 'int32' = 'float32'): Tensor => tf.tensor(values, shape, dtype);

function expectClose(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(actual.length, what).toBe(expected.length);
  // Values are written with seven digits; sums of some of them stray by as much.
  for (const [index, value] of expected.entries())
    expect(Math.abs(actual[index]! - value), `${what} at ${index}: ${actual[index]} for ${value}`).toBeLessThanOrEqual(
      1e-5 * Math.max(1, Math.abs(value)),
    );
}

function outputMask(
  layer: LayerDefinition,
  inputs: readonly Tensor[],
  config: Record<string, unknown>,
  masks: readonly (Tensor | undefined)[],
): Tensor | undefined {
  if (layer.mask === 'drop') return undefined;
  return layer.mask === 'keep' ? masks.find((mask) => mask !== undefined) : layer.mask(tf, inputs, config, masks);
}

describe('outputs, masks and gradients of layers agree with Keras 3', () => {
  test.each(
    cases.map(
      (golden, index) =>
        [
          `${index} ${golden.type} ${JSON.stringify(golden.config)}${golden.training ? ' training' : ''}${golden.masks === undefined ? '' : ' masked'}`,
          golden,
        ] as const,
    ),
  )('%s', (_title, golden) => {
    const layer = layerRegistry.get(golden.type);
    const config = withDefaults(layer.configSchema, golden.config);
    const shapes = golden.inputs.map(({ shape }) => shape.slice(1));
    const specs = layer.weights(shapes, config);
    expect(specs.map((spec) => [...spec.shape])).toEqual(golden.weights.map(({ shape }) => shape));
    expect(specs.map(({ trainable }) => trainable)).toEqual(golden.trainable);
    expect([golden.output.shape[0], ...layer.outputShape(shapes, config)]).toEqual(golden.output.shape);
    const masks = golden.inputs.map((_, index) => {
      const mask = golden.masks?.[index];
      return mask === null || mask === undefined
        ? undefined
        : tf.tensor2d(
            mask.map((row) => row.map(Number)),
            undefined,
            'float32',
          );
    });
    const inputs = golden.inputs.map((values) => tensor(values, golden.integers ? 'int32' : 'float32'));
    const weights = golden.weights.map((values) => tensor(values));
    const call = (given: readonly Tensor[], values: readonly Tensor[]): Tensor =>
      layer.call(tf, given, Object.fromEntries(specs.map((spec, index) => [spec.name, values[index]!])), config, {
        training: golden.training,
        masks,
        seed: [1, 2],
        update() {},
        addLoss() {},
      });
    const output = call(inputs, weights);
    expect(output.shape).toEqual(golden.output.shape);
    expectClose(output.dataSync(), golden.output.values, 'output');
    if (golden.outputMask !== undefined) {
      const mask = outputMask(layer, inputs, config, masks);
      expect(mask === undefined ? null : mask.arraySync()).toEqual(golden.outputMask);
    }
    // What is constant between steps has no gradient; Keras writes zeros.
    const wanted =
      golden.type === 'discretization' ? [] : [...golden.inputs.map((_, index) => golden.inputGradients[index]), ...golden.weightGradients];
    const moved = [
      ...inputs.map((input, index) => ({ input: true, index, tensor: input })),
      ...weights.map((weight, index) => ({ input: false, index, tensor: weight })),
    ].filter((_, index) => wanted[index] !== null && wanted[index] !== undefined);
    if (moved.length === 0) return;
    const gradients = tf.grads((...values: Tensor[]) => {
      const [given, own] = [[...inputs], [...weights]];
      moved.forEach(({ input, index }, at) => {
        (input ? given : own)[index] = values[at]!;
      });
      return tf.sum(tf.mul(call(given, own), tensor(golden.cotangent)));
    })(moved.map((each) => each.tensor));
    moved.forEach(({ input, index }, at) =>
      expectClose(
        gradients[at]!.dataSync(),
        (input ? golden.inputGradients : golden.weightGradients)[index]!.values,
        `gradient of ${input ? 'input' : 'weight'} ${index}`,
      ),
    );
  });
});
