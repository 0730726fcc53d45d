import { clipped, draws, perImage, requireImages, spread, valueRange } from './shared/augmentation.ts';
import type { Range } from './shared/augmentation.ts';
import { defineLayer } from './layer.ts';
import { statelessNormal } from '../tensorflow/tf.ts';
import type { Seed, Tensor } from '../tensorflow/tf.ts';

interface Config {
  readonly probability: number;
  readonly scale: Range;
  readonly fillValue?: number;
  readonly valueRange: Range;
}

/** Another stream of draws beside that of the places. */
const noiseSeed = ([layer, iteration]: Seed): Seed => [layer ^ 0x5e3779b9, iteration];

export default defineLayer<Config>({
  type: 'randomErasing',
  summary: 'While training, blots out a rectangle of images.',
  properties: {
    probability: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: 1,
      examples: [0.5],
      description: 'Share of images that it happens to.',
    },
    scale: {
      type: 'array',
      items: { type: 'number', minimum: 0, maximum: 1 },
      minItems: 2,
      maxItems: 2,
      default: [0.02, 0.33],
      examples: [[0.05, 0.2]],
      description: 'Smallest and largest rectangle: the squares of its height and width as shares of those of the image.',
    },
    fillValue: { type: 'number', examples: [0], description: 'What is put there. Default: normal noise, as wide as the highest value.' },
    valueRange,
  },
  augmentation: true,
  outputShape: (inputs) => requireImages(inputs, 'randomErasing'),
  call(tf, [x], _weights, config, context) {
    if (!context.training) return x!;
    const [, height, width] = x!.shape as [number, number, number];
    const [happens, high, wide, top, left] = draws(tf, x!, 5, context) as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const within = (size: Tensor, start: Tensor, length: number, shape: number[]): Tensor => {
      const extent = tf.mul(tf.sqrt(spread(tf, size, config.scale)), length);
      const from = perImage(tf, tf.mul(start, tf.sub(length, extent)));
      const at = tf.reshape(tf.range(0, length), shape);
      return tf.logicalAnd(tf.greaterEqual(at, from), tf.less(at, tf.add(from, perImage(tf, extent))));
    };
    const box = tf.logicalAnd(within(high, top, height, [1, height, 1, 1]), within(wide, left, width, [1, 1, width, 1]));
    const erased = tf.logicalAnd(box, perImage(tf, tf.less(happens, config.probability)));
    const fill =
      config.fillValue === undefined
        ? tf.mul(statelessNormal(tf, x!.shape, noiseSeed(context.seed)), Math.max(...config.valueRange))
        : tf.fill(x!.shape, config.fillValue);
    return tf.where(erased, clipped(tf, fill, config.valueRange), x!);
  },
  examples: [
    { inputs: [[6, 7, 2]], config: { probability: 0.7, scale: [0.1, 0.5], valueRange: [0, 1] } },
    { inputs: [[6, 7, 1]], config: { probability: 1, scale: [0.02, 0.33], fillValue: 0, valueRange: [0, 1] } },
  ],
  reference: 'https://arxiv.org/abs/1708.04896',
});
