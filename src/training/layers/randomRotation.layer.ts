import { draws, factor, filling, rangeOf, requireImages, spread, warped } from './shared/augmentation.ts';
import type { Factor, Filled } from './shared/augmentation.ts';
import { defineLayer } from './layer.ts';

interface Config extends Filled {
  readonly factor: Factor;
}

export default defineLayer<Config>({
  type: 'randomRotation',
  summary: 'While training, turns images around their middle.',
  properties: {
    factor: factor(
      'Largest turn to either side as a share of a full one (0.1: up to 36°), or [lowest, highest]; above 0 is counter-clockwise.',
      0.1,
      { minimum: -1, maximum: 1 },
    ),
    ...filling,
  },
  required: ['factor'],
  augmentation: true,
  outputShape: (inputs) => requireImages(inputs, 'randomRotation'),
  call(tf, [x], _weights, config, context) {
    if (!context.training) return x!;
    const [drawn] = draws(tf, x!, 1, context);
    const angle = tf.mul(spread(tf, drawn!, rangeOf(config.factor)), 2 * Math.PI);
    const [cos, sin] = [tf.cos(angle), tf.sin(angle)];
    const [middleX, middleY] = [(x!.shape[2]! - 1) / 2, (x!.shape[1]! - 1) / 2];
    const offsetX = tf.sub(middleX, tf.sub(tf.mul(cos, middleX), tf.mul(sin, middleY)));
    const offsetY = tf.sub(middleY, tf.add(tf.mul(sin, middleX), tf.mul(cos, middleY)));
    return warped(tf, x!, [cos, tf.neg(sin), offsetX, sin, cos, offsetY], config);
  },
  examples: [
    { inputs: [[5, 6, 2]], config: { factor: 0.2, fillMode: 'reflect', interpolation: 'bilinear', fillValue: 0 } },
    { inputs: [[5, 6, 1]], config: { factor: [0, 0.3], fillMode: 'constant', interpolation: 'nearest', fillValue: 0.5 } },
  ],
});
