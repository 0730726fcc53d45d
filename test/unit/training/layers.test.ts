import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { activate } from '../../../src/training/layers/activations.ts';
import type { LayerDefinition, LayerExample } from '../../../src/training/layers/layer.ts';
import { initialize } from '../../../src/training/layers/initializers.ts';
import { layers, layerRegistry } from '../../../src/training/layers/index.generated.ts';
import { withDefaults } from '../../../src/training/model/named.ts';
// Layers that wrap others find them in the registry.
import { loadTf, statelessUniform } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../../src/training/tensorflow/tf.ts';

const tf = loadTf();
const ROWS = 4;

interface Placed {
  readonly inputs: Tensor[];
  readonly weights: Record<string, Tensor>;
  call(inputs: Tensor[], weights: Record<string, Tensor>, training: boolean, iteration?: number): Tensor;
}

function place(layer: LayerDefinition, example: LayerExample<unknown>): Placed {
  const prng = new Prng(layer.type);
  const inputs = example.inputs.map((shape): Tensor => {
    const size = ROWS * shape.reduce((product, axis) => product * axis, 1);
    if (example.integersBelow !== undefined)
      return tf.tensor(
        Int32Array.from({ length: size }, () => prng.below(example.integersBelow!)),
        [ROWS, ...shape],
        'int32',
      );
    return tf.tensor(
      Float32Array.from({ length: size }, () => prng.normal()),
      [ROWS, ...shape],
    );
  });
  const specs = layer.weights(example.inputs, example.config);
  const weights = Object.fromEntries(
    specs.map((spec) => [spec.name, tf.tensor(initialize(spec.initializer, spec.shape, prng), [...spec.shape])]),
  );
  return {
    inputs,
    weights,
    call: (given, values, training, iteration = 0) =>
      layer.call(tf, given, values, example.config, {
        training,
        masks: given.map(() => undefined),
        seed: [7, iteration],
        update() {},
        addLoss() {},
      }),
  };
}

const cases = layers.flatMap((layer) =>
  layer.examples.map(
    (example, index) =>
      [`${layer.type} ${index}`, layer, { ...example, config: withDefaults(layer.configSchema, example.config) }] as const,
  ),
);

/** What they give is constant between steps: there is no gradient. */
const ENCODERS: ReadonlySet<string> = new Set(['categoryEncoding', 'discretization']);

describe.each(cases)('%s', (_title, layer, example) => {
  test('gives the shape it declares, in training and otherwise', () => {
    const placed = place(layer, example);
    const declared = [ROWS, ...layer.outputShape(example.inputs, example.config)];
    expect(placed.call(placed.inputs, placed.weights, false).shape).toEqual(declared);
    expect(placed.call(placed.inputs, placed.weights, true).shape).toEqual(declared);
  });

  if (!ENCODERS.has(layer.type))
    test('passes gradients to its inputs and trainable weights', () => {
      const placed = place(layer, example);
      const trainable = layer
        .weights(example.inputs, example.config)
        .filter((spec) => spec.trainable)
        .map((spec) => spec.name);
      const floats = example.integersBelow === undefined ? placed.inputs : [];
      const gradient = tf.grads((...tensors: Tensor[]) => {
        const inputs = floats.length > 0 ? tensors.slice(0, floats.length) : placed.inputs;
        const weights = {
          ...placed.weights,
          ...Object.fromEntries(trainable.map((name, index) => [name, tensors[floats.length + index]!])),
        };
        return tf.sum(tf.square(placed.call(inputs, weights, true)));
      });
      const gradients = gradient([...floats, ...trainable.map((name) => placed.weights[name]!)]);
      for (const each of gradients) expect([...each.dataSync()].every(Number.isFinite)).toBe(true);
    });

  test('is a function of its arguments: the same seed gives the same values', () => {
    const placed = place(layer, example);
    const first = placed.call(placed.inputs, placed.weights, true, 5).dataSync();
    expect(placed.call(placed.inputs, placed.weights, true, 5).dataSync()).toEqual(first);
  });
});

test('names and inputs are keys of every layer, and the schemas are closed', () => {
  for (const layer of layers) {
    expect(layer.configSchema).toMatchObject({ type: 'object', additionalProperties: false, properties: { name: {}, inputs: {} } });
    for (const property of Object.values(layer.configSchema.properties as Record<string, { description?: string; examples?: unknown }>)) {
      expect(property.description, layer.type).toBeTypeOf('string');
      expect(property.examples, layer.type).toBeDefined();
    }
  }
});

test('dropout drops the share it is told, keeps the mean, and differs from step to step', () => {
  const dropout = layers.find((layer) => layer.type === 'dropout')!;
  const call = (iteration: number): Float32Array =>
    dropout
      .call(
        tf,
        [tf.ones([200, 50])],
        {},
        { rate: 0.3 },
        { training: true, masks: [undefined], seed: [3, iteration], update() {}, addLoss() {} },
      )
      .dataSync() as Float32Array;
  const values = call(0);
  const zeros = values.filter((value) => value === 0).length / values.length;
  expect(zeros).toBeCloseTo(0.3, 1);
  expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(1, 1);
  expect(call(1)).not.toEqual(values);
});

test('stateless draws follow from shape and seeds alone', () => {
  const draw = (a: number, b: number): number[] => [...statelessUniform(tf, [3], [a, b]).dataSync()];
  expect(draw(5, 7)).toEqual(draw(5, 7));
  expect(draw(5, 8)).not.toEqual(draw(5, 7));
  expect(draw(-6, 7)).not.toEqual(draw(5, 7));
});

describe('initializers', () => {
  test('orthogonal rows or columns are orthonormal', () => {
    for (const [rows, columns] of [
      [4, 12],
      [12, 4],
    ] as const) {
      const matrix = tf.tensor2d(initialize('orthogonal', [rows, columns], new Prng(1)), [rows, columns]);
      const gram = rows < columns ? tf.matMul(matrix, matrix, false, true) : tf.matMul(matrix, matrix, true);
      expect(tf.max(tf.abs(tf.sub(gram, tf.eye(4)))).dataSync()[0]).toBeLessThan(1e-6);
    }
  });

  test.each([
    ['glorotUniform', Math.sqrt(2 / 300)],
    ['glorotNormal', Math.sqrt(2 / 300)],
    ['heUniform', Math.sqrt(2 / 100)],
    ['heNormal', Math.sqrt(2 / 100)],
    ['lecunUniform', Math.sqrt(1 / 100)],
    ['lecunNormal', Math.sqrt(1 / 100)],
    ['uniform', 0.05 / Math.sqrt(3)],
    ['normal', 0.05],
  ] as const)('%s has the standard deviation of its definition', (name, expected) => {
    const values = initialize(name, [100, 200], new Prng(name));
    const std = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    expect(std / expected).toBeGreaterThan(0.97);
    expect(std / expected).toBeLessThan(1.03);
  });

  // Fans of a convolution's kernel: 3 · 3 · 20 = 180 in, 3 · 3 · 40 = 360 out.
  test.each([
    [{ constant: { value: 0.5 } }, 0.5, 0, 0.5, 0.5],
    [{ randomNormal: { mean: 1, stddev: 0.2 } }, 1, 0.2, -Infinity, Infinity],
    [{ truncatedNormal: { mean: 1, stddev: 0.2 } }, 1, 0.2 * 0.87962566, 0.6, 1.4],
    [{ randomUniform: { minval: -1, maxval: 3 } }, 1, 4 / Math.sqrt(12), -1, 3],
    [{ varianceScaling: { scale: 2, mode: 'fanOut', distribution: 'untruncatedNormal' } }, 0, Math.sqrt(2 / 360), -Infinity, Infinity],
    [{ varianceScaling: { scale: 2, mode: 'fanAvg' } }, 0, Math.sqrt(2 / 270), -2.28 * Math.sqrt(2 / 270), 2.28 * Math.sqrt(2 / 270)],
    [{ varianceScaling: { distribution: 'uniform' } }, 0, Math.sqrt(1 / 180), -Math.sqrt(3 / 180), Math.sqrt(3 / 180)],
  ] as const)('%j has the mean, the deviation and the bounds of its definition', (initializer, mean, deviation, least, most) => {
    const values = initialize(initializer, [3, 3, 20, 40], new Prng(1));
    const found = values.reduce((sum, value) => sum + value, 0) / values.length;
    const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - found) ** 2, 0) / values.length);
    expect(Math.abs(found - mean)).toBeLessThanOrEqual(0.05 * deviation);
    expect(Math.abs(spread - deviation)).toBeLessThanOrEqual(0.03 * deviation);
    values.forEach((value) => {
      if (value < least - 1e-6 || value > most + 1e-6) expect.fail(`${value}`);
    });
  });

  test('gains scale orthogonal and identity weights', () => {
    expect([...initialize({ identity: { gain: 2 } }, [2, 3], new Prng(1))]).toEqual([2, 0, 0, 0, 2, 0]);
    const [plain, scaled] = [initialize('orthogonal', [4, 4], new Prng(1)), initialize({ orthogonal: { gain: 3 } }, [4, 4], new Prng(1))];
    scaled.forEach((value, index) => expect(value).toBeCloseTo(3 * plain[index]!, 5));
  });
});

test('spectral normalization divides a kernel by its largest singular value', () => {
  const layer = layerRegistry.get('spectralNormalization');
  const config = withDefaults(layer.configSchema, { layer: { type: 'dense', units: 2, useBias: false }, powerIterations: 50 });
  // Singular values 3 and 1: (1, 1) and (1, −1) are their directions.
  const weights = {
    kernel: tf.tensor2d([
      [2, 1],
      [1, 2],
    ]),
    vectorU: tf.tensor2d([[1, 0.2]]),
  };
  const output = layer.call(
    tf,
    [
      tf.tensor2d([
        [1, 1],
        [1, -1],
      ]),
    ],
    weights,
    config,
    { training: true, masks: [undefined], seed: [1, 2], update() {}, addLoss() {} },
  );
  [...output.dataSync()].forEach((value, index) => expect(value).toBeCloseTo([1, 1, 1 / 3, -1 / 3][index]!, 5));
});

test('sparsemax gives the nearest vector of shares', () => {
  const values = tf.tensor2d([[-0.3451955, 0.5680038, -0.4770269, 1.297862, -0.42429, 1.433635, 0.4967837, 0.1478738]]);
  const shares = [...activate(tf, values, 'sparsemax').dataSync()];
  [0, 0, 0, 0.4321135, 0, 0.5678865, 0, 0].forEach((share, index) => expect(shares[index]).toBeCloseTo(share, 6));
});
