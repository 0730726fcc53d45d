import { describe, expect, test } from 'vitest';
import type { OutputSpec } from '../../../src/core/tensor.ts';
import { withDefaults } from '../../../src/training/model/named.ts';
import { FILL_MODES, INTERPOLATIONS, projected } from '../../../src/training/layers/shared/projective.ts';
import { layerRegistry } from '../../../src/training/layers/index.generated.ts';
import { describeModel } from '../../../src/training/model/resolve-model.ts';
import { loadTf, statelessNormal, statelessUniform } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../../src/training/tensorflow/tf.ts';

const tf = loadTf();
const IMAGE = { name: 'image', shape: [8, 10, 3], dtype: 'float32' } as const;
const CLASSES: OutputSpec = { kind: 'classes', name: 'label', classes: ['a', 'b'] };

function call(type: string, config: Record<string, unknown>, x: Tensor, training = true, iteration = 0): Tensor {
  const layer = layerRegistry.get(type);
  return layer.call(tf, [x], {}, withDefaults(layer.configSchema, config), {
    training,
    masks: [undefined],
    seed: [11, iteration],
    update() {},
    addLoss() {},
  });
}

const sum = (x: Tensor): number => tf.sum(x).dataSync()[0]!;
const uniform = (shape: number[], seed: number): Tensor => statelessUniform(tf, shape, [seed, 1]);

describe('gradients through moved pixels', () => {
  const maps = tf.concat(
    [
      tf.tensor2d([
        [0.9, 0.3, -2, -0.2, 1.1, 1],
        [-1, 0, 9, 0, -1, 7],
      ]),
      tf.add(tf.mul(statelessNormal(tf, [4, 6], [3, 4]), 4), 0.1),
    ],
    0,
  );

  test.each(FILL_MODES.flatMap((fillMode) => INTERPOLATIONS.map((interpolation) => [fillMode, interpolation] as const)))(
    '%s, %s: the transpose of the map',
    (fillMode, interpolation) => {
      const sampling = { size: [5, 6], interpolation, fillMode, fillValue: 0 } as const;
      const [x, dy] = [uniform([6, 8, 10, 2], 1), uniform([6, 5, 6, 2], 2)];
      const back = tf.grad((images: Tensor) => tf.sum(tf.mul(projected(tf, images, maps, sampling), dy)))(x);
      // What is linear has <A x, y> = <x, Aᵀ y>.
      const forth = sum(tf.mul(projected(tf, x, maps, sampling), dy));
      expect(Math.abs(sum(tf.mul(x, back)) / forth - 1)).toBeLessThan(1e-4);
      expect(forth).toBeGreaterThan(10);
    },
  );
});

describe('draws', () => {
  const ROWS = 4_000;
  /** One image per row whose pixel at (line, column) tells the map that it went through. */
  const ramp = (height: number, width: number): Tensor =>
    tf.tile(tf.reshape(tf.range(0, height * width), [1, height, width, 1]), [ROWS, 1, 1, 1]);

  test('half of the images are mirrored, and the two directions independently', () => {
    const corners = [...tf.slice(call('randomFlip', { mode: 'both' }, ramp(2, 2)), [0, 0, 0, 0], [-1, 1, 1, 1]).dataSync()];
    for (const corner of [0, 1, 2, 3]) expect(corners.filter((value) => value === corner).length / ROWS).toBeCloseTo(0.25, 1);
    const left = [...tf.slice(call('randomFlip', { mode: 'horizontal' }, ramp(2, 2)), [0, 0, 0, 0], [-1, 1, 1, 1]).dataSync()];
    expect(new Set(left)).toEqual(new Set([0, 1]));
    expect(left.filter((value) => value === 1).length / ROWS).toBeCloseTo(0.5, 1);
  });

  test('crops come from every place, equally often', () => {
    const corners = [...tf.slice(call('randomCrop', { height: 2, width: 3 }, ramp(4, 5)), [0, 0, 0, 0], [-1, 1, 1, 1]).dataSync()];
    const counts = new Map<number, number>();
    for (const corner of corners) counts.set(corner, (counts.get(corner) ?? 0) + 1);
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 5, 6, 7, 10, 11, 12]);
    for (const count of counts.values()) expect(count / ROWS).toBeCloseTo(1 / 9, 1);
  });

  test('shifts are uniform over the range', () => {
    const shifted = call(
      'randomTranslation',
      { heightFactor: 0, widthFactor: [-0.1, 0.3], interpolation: 'bilinear' },
      tf.tile(tf.reshape(tf.range(0, 100), [1, 1, 100, 1]), [ROWS, 1, 1, 1]),
    );
    const moves = [...tf.slice(shifted, [0, 0, 50, 0], [-1, 1, 1, 1]).dataSync()].map((value) => (50 - value) / 100);
    const mean = moves.reduce((total, move) => total + move, 0) / ROWS;
    expect(mean).toBeCloseTo(0.1, 2);
    expect(Math.sqrt(moves.reduce((total, move) => total + (move - mean) ** 2, 0) / ROWS)).toBeCloseTo(0.4 / Math.sqrt(12), 2);
    expect(Math.min(...moves)).toBeGreaterThanOrEqual(-0.1001);
    expect(Math.max(...moves)).toBeLessThanOrEqual(0.3001);
  });

  test('rectangles are as frequent and as large as was said', () => {
    const erased = call('randomErasing', { probability: 0.3, scale: [0.25, 0.25], fillValue: 0 }, tf.ones([ROWS, 20, 20, 1]));
    const shares = [...tf.sub(1, tf.mean(erased, [1, 2, 3])).dataSync()];
    const hit = shares.filter((share) => share > 0);
    expect(hit.length / ROWS).toBeCloseTo(0.3, 1);
    expect(Math.min(...hit)).toBeGreaterThan(0.2);
    expect(Math.max(...hit)).toBeLessThan(0.31);
  });

  test('noise has the deviation of its definition, and stays in the range of values', () => {
    const noise = call('randomErasing', { scale: [1, 1], valueRange: [-100, 100] }, tf.zeros([50, 20, 20, 1]));
    const values = [...noise.dataSync()];
    expect(Math.max(...values)).toBeLessThanOrEqual(100);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-100);
    expect(values.filter((value) => Math.abs(value) < 100).length / values.length).toBeCloseTo(0.683, 1);
  });

  test('images of a batch, steps and layers draw on their own', () => {
    const x = tf.tile(uniform([1, 8, 8, 1], 5), [3, 1, 1, 1]);
    const one = call('randomRotation', { factor: 0.3 }, x, true, 1);
    const rows = tf.unstack(one).map((row) => [...row.dataSync()]);
    expect(rows[0]).not.toEqual(rows[1]);
    expect([...call('randomRotation', { factor: 0.3 }, x, true, 2).dataSync()]).not.toEqual([...one.dataSync()]);
    expect([...call('randomRotation', { factor: 0.3 }, x, true, 1).dataSync()]).toEqual([...one.dataSync()]);
  });
});

describe('evaluation', () => {
  test('sees the images as they are; a crop takes the middle', () => {
    const x = uniform([2, 8, 10, 3], 7);
    for (const [type, config] of [
      ['randomFlip', {}],
      ['randomRotation', { factor: 0.5 }],
      ['randomErasing', {}],
      ['randomHue', { factor: 1 }],
      ['randomCrop', { height: 8, width: 10, padding: 4 }],
    ] as const) {
      expect([...call(type, config, x, false).dataSync()]).toEqual([...x.dataSync()]);
    }
    const middle = call('randomCrop', { height: 4, width: 5, padding: 2 }, x, false);
    expect([...middle.dataSync()]).toEqual([...call('centerCrop', { height: 4, width: 5 }, x).dataSync()]);
  });
});

describe('"augmentation" of an architecture', () => {
  const layersOf = (augmentation: unknown, shape: readonly number[] = IMAGE.shape) =>
    describeModel({ model: { architecture: 'cnn', augmentation }, inputs: [{ ...IMAGE, shape }], output: CLASSES }).layers;

  test('becomes layers behind the image', () => {
    const layers = layersOf(['randomFlip', { randomRotation: { factor: 0.1 } }, { randomCrop: { height: 6, width: 6 } }]);
    expect(layers.slice(0, 4).map(({ type, inputs, outputShape }) => [type, inputs, outputShape])).toEqual([
      ['randomFlip', ['image'], [8, 10, 3]],
      ['randomRotation', ['augmentation_1'], [8, 10, 3]],
      ['randomCrop', ['augmentation_2'], [6, 6, 3]],
      ['conv2d', ['augmentation_3'], [6, 6, 32]],
    ]);
    expect(layersOf([])[0]!.type).toBe('conv2d');
  });

  test('says what does not fit', () => {
    expect(() => layersOf([{ randomHue: { factor: 0.1 } }], [8, 8, 1])).toThrow(/randomHue.*three channels.*\[8, 8, 1\]/);
    expect(() => layersOf([{ randomCrop: { height: 20, width: 20 } }])).toThrow(/20 × 20 pixels does not fit into images of 8 × 10/);
    const model = { layers: [{ type: 'randomFlip' }, { type: 'dense', units: 2, activation: 'softmax' }] };
    expect(() => describeModel({ model, inputs: [{ name: 'x', shape: [4], dtype: 'float32' }], output: CLASSES })).toThrow(
      /randomFlip.*reads images \[height, width, channels\].*\[4\]/,
    );
  });
});
