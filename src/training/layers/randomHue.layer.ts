import { draws, factor, perImage, rangeOf, requireColour, sameness, shareOf, spread } from './shared/augmentation.ts';
import type { Factor } from './shared/augmentation.ts';
import { defineLayer } from './layer.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

interface Config {
  readonly factor: Factor;
}

export default defineLayer<Config>({
  type: 'randomHue',
  summary: 'While training, turns the colours of images around the circle of hues.',
  properties: {
    factor: factor('Largest turn to either side as a share of half a circle, or [lowest, highest].', 0.1, { minimum: -1, maximum: 1 }),
  },
  required: ['factor'],
  augmentation: true,
  outputShape: (inputs) => requireColour(inputs, 'randomHue'),
  call(tf, [x], _weights, config, context) {
    if (!context.training) return x!;
    const [drawn] = draws(tf, x!, 1, context);
    return turned(tf, x!, perImage(tf, tf.mul(spread(tf, drawn!, rangeOf(config.factor)), 3)));
  },
  examples: [{ inputs: [[4, 5, 3]], config: { factor: 0.5 } }],
  reference: 'https://www.tensorflow.org/api_docs/python/tf/image/adjust_hue',
});

/** Red, green and blue with another hue but the same saturation and value. @param by in sixths of the circle */
function turned(tf: Tf, x: Tensor, by: Tensor): Tensor {
  const [red, green, blue] = tf.split(x, 3, 3) as [Tensor, Tensor, Tensor];
  const value = tf.max(x, 3, true);
  const chroma = tf.sub(value, tf.min(x, 3, true));
  const sector = (a: Tensor, b: Tensor, start: number): Tensor => tf.add(shareOf(tf, tf.sub(a, b), chroma), start);
  const isRed = sameness(tf, value, red);
  const isGreen = tf.mul(sameness(tf, value, green), tf.sub(1, isRed));
  const isBlue = tf.sub(1, tf.add(isRed, isGreen));
  const hue = tf.addN([
    tf.mul(isRed, sector(green, blue, 0)),
    tf.mul(isGreen, sector(blue, red, 2)),
    tf.mul(isBlue, sector(red, green, 4)),
  ]);
  const moved = tf.add(hue, by);
  // How far a channel lies below the value, by its distance from the hue.
  const channels = [5, 3, 1].map((offset) => {
    const shifted = tf.add(moved, offset);
    const place = tf.sub(shifted, tf.mul(tf.floor(tf.div(shifted, 6)), 6));
    return tf.sub(value, tf.mul(chroma, tf.clipByValue(tf.minimum(place, tf.sub(4, place)), 0, 1)));
  });
  return tf.concat(channels, 3);
}
