import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { layers, layerRegistry } from '../../../src/training/layers/index.generated.ts';
import { losses, lossRegistry } from '../../../src/training/losses/index.generated.ts';
import { withDefaults } from '../../../src/training/model/named.ts';
import { clipGradients } from '../../../src/training/optimizers/optimizer.ts';
import { optimizers, optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../../src/training/tensorflow/tf.ts';

interface Values {
  readonly shape: number[];
  readonly values: number[];
}
interface LayerCase {
  type: string;
  config: Record<string, unknown>;
  inputs: Values[];
  weights: Values[];
  training: boolean;
  output: Values;
  weightsAfter?: Values[];
  mask?: number[][];
}
interface OptimizerCases {
  start: Values[];
  gradients: Values[][];
  optimizers: { name: string; config: Record<string, unknown>; trajectory: number[][] }[];
}
interface LossCase {
  name: string;
  config: Record<string, unknown>;
  fromLogits: boolean;
  labels: Values;
  predictions: Values;
  values: number[];
  gradient: Values;
}

const tf = loadTf();
const load = <T>(name: string): T[] => (JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as { cases: T[] }).cases;
const tensor = ({ shape, values }: Values, dtype: 'float32' | 'int32' = 'float32'): Tensor => tf.tensor(values, shape, dtype);

function expectClose(actual: ArrayLike<number>, expected: readonly number[], relative: number, absolute: number): void {
  expect(actual.length).toBe(expected.length);
  for (const [index, value] of expected.entries())
    expect(Math.abs(actual[index]! - value), `at ${index}: ${actual[index]} for ${value}`).toBeLessThanOrEqual(
      absolute + relative * Math.abs(value),
    );
}

/** Keras has no such layer, or keeps another state: spectral normalization there replaces the kernel. They have tests of their own. */
const WITHOUT: ReadonlySet<string> = new Set([
  'gaussianSampling',
  'lastToken',
  'nextTokenScore',
  'reconstructionError',
  'spectralNormalization',
]);

describe('layers agree with Keras 3', () => {
  const cases = load<LayerCase>('layers.json');

  test('every layer has a case', () => {
    // Layers whose results depend on draws, and those of other golden files, have their cases there.
    const elsewhere = ['augmentation.json', 'attention.json', 'layer-gradients.json'].flatMap((name) => load<LayerCase>(name));
    expect(
      layers
        .map((layer) => layer.type)
        .filter((type) => !WITHOUT.has(type) && ![...cases, ...elsewhere].some((golden) => golden.type === type)),
    ).toEqual([]);
  });

  test.each(
    cases.map(
      (golden, index) =>
        [
          `${index} ${golden.type} ${JSON.stringify(golden.config)}${golden.training ? ' training' : ''}${golden.mask === undefined ? '' : ' masked'}`,
          golden,
        ] as const,
    ),
  )('%s', (_title, golden) => {
    const layer = layerRegistry.get(golden.type);
    const config = withDefaults(layer.configSchema, golden.config);
    const shapes = golden.inputs.map(({ shape }) => shape.slice(1));
    const specs = layer.weights(shapes, config);
    expect(specs.map((spec) => spec.shape)).toEqual(golden.weights.map(({ shape }) => shape));
    expect([golden.output.shape[0], ...layer.outputShape(shapes, config)]).toEqual(golden.output.shape);
    const weights = Object.fromEntries(specs.map((spec, index) => [spec.name, tensor(golden.weights[index]!)]));
    const mask = golden.mask === undefined ? undefined : tf.tensor2d(golden.mask, undefined, 'float32');
    const updates: Record<string, Tensor> = {};
    const inputs = golden.inputs.map((values) => tensor(values, golden.type === 'embedding' ? 'int32' : 'float32'));
    const output = layer.call(tf, inputs, weights, config, {
      training: golden.training,
      masks: inputs.map(() => mask),
      seed: [1, 2],
      update: (name, value) => {
        updates[name] = value;
      },
      addLoss() {},
    });
    expect(output.shape).toEqual(golden.output.shape);
    expectClose(output.dataSync(), golden.output.values, 1e-5, 2e-6);
    for (const [index, after] of (golden.weightsAfter ?? []).entries())
      expectClose((updates[specs[index]!.name] ?? weights[specs[index]!.name]!).dataSync(), after.values, 1e-5, 1e-6);
  });
});

describe('ten steps of every optimizer agree with Keras 3', () => {
  const [{ start, gradients, optimizers: first }] = load<OptimizerCases>('optimizers.json') as [OptimizerCases];
  const cases = [...first, ...load<OptimizerCases['optimizers'][number]>('more_optimizers.json')];

  test('every optimizer has a case', () => {
    expect(optimizers.map(({ name }) => name).filter((name) => !cases.some((golden) => golden.name === name))).toEqual([]);
  });

  test.each(cases.map((golden, index) => [`${index} ${golden.name} ${JSON.stringify(golden.config)}`, golden] as const))(
    '%s',
    (_title, golden) => {
      const definition = optimizerRegistry.get(golden.name);
      const config = withDefaults(definition.configSchema, golden.config) as { learningRate: number };
      let weights: Tensor = tf.concat(start.map((values) => tensor(values).flatten()));
      let slots: Readonly<Record<string, Tensor>> = Object.fromEntries(
        Object.entries(definition.slots(config)).map(([name, value]) => [name, tf.fill(weights.shape, value)]),
      );
      for (const [index, step] of gradients.entries()) {
        const gradient = tf.concat(
          clipGradients(
            tf,
            step.map((values) => tensor(values)),
            config,
          ).map((each) => each.flatten()),
        );
        const scalars = Object.fromEntries(
          Object.entries(definition.scalars(index + 1, config.learningRate, config)).map(([name, value]) => [name, tf.scalar(value)]),
        );
        ({ weights, slots } = definition.update(tf, { weights, gradient, slots, scalars }, config));
        // What is left of a weight near zero is rounding: half a unit in the last place of a weight of 1.
        expectClose(weights.dataSync(), golden.trajectory[index]!, 1e-5, 2 ** -24);
      }
    },
  );
});

describe('losses and their gradients agree with Keras 3', () => {
  const cases = [...load<LossCase>('losses.json'), ...load<LossCase>('more_losses.json')];

  test('every loss has a case', () => {
    expect(losses.map(({ name }) => name).filter((name) => !cases.some((golden) => golden.name === name))).toEqual([]);
  });

  test.each(
    cases.map(
      (golden, index) =>
        [`${index} ${golden.name} ${JSON.stringify(golden.config)}${golden.fromLogits ? ' from logits' : ''}`, golden] as const,
    ),
  )('%s', (_title, golden) => {
    const definition = lossRegistry.get(golden.name);
    const config = withDefaults(definition.configSchema, golden.config);
    const labels = tensor(golden.labels, definition.labels === 'index' ? 'int32' : 'float32');
    const value = (predictions: Tensor): Tensor =>
      (golden.fromLogits ? definition.fromLogits! : definition).value(tf, labels, predictions, config);
    const predictions = tensor(golden.predictions);
    expectClose(value(predictions).dataSync(), golden.values, 1e-5, 1e-6);
    const gradient = tf.grad((x: Tensor) => tf.mean(value(x)))(predictions);
    expectClose(gradient.dataSync(), golden.gradient.values, 1e-4, 1e-6);
  });
});
