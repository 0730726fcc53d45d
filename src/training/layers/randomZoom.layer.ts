import { draws, factor, filling, rangeOf, requireImages, spread, warped } from './shared/augmentation.ts';
import type { Factor, Filled } from './shared/augmentation.ts';
import { defineLayer } from './layer.ts';

interface Config extends Filled {
  readonly heightFactor: Factor;
  readonly widthFactor?: Factor;
}

const BOUNDS = { exclusiveMinimum: -1, maximum: 1 };

export default defineLayer<Config>({
  type: 'randomZoom',
  summary: 'While training, makes what images show larger or smaller.',
  properties: {
    heightFactor: factor(
      'Largest zoom to either side as a share of the height, or [lowest, highest]; above 0 what is shown shrinks.',
      0.2,
      BOUNDS,
    ),
    widthFactor: factor('The same for the width. Default: as the height, so that the proportions stay.', [-0.2, 0.1], BOUNDS),
    ...filling,
  },
  required: ['heightFactor'],
  augmentation: true,
  outputShape: (inputs) => requireImages(inputs, 'randomZoom'),
  call(tf, [x], _weights, config, context) {
    if (!context.training) return x!;
    const [first, second] = draws(tf, x!, 2, context);
    const high = tf.add(spread(tf, first!, rangeOf(config.heightFactor)), 1);
    const wide = config.widthFactor === undefined ? high : tf.add(spread(tf, second!, rangeOf(config.widthFactor)), 1);
    const [middleX, middleY] = [(x!.shape[2]! - 1) / 2, (x!.shape[1]! - 1) / 2];
    return warped(tf, x!, [wide, 0, tf.mul(tf.sub(1, wide), middleX), 0, high, tf.mul(tf.sub(1, high), middleY)], config);
  },
  examples: [
    { inputs: [[5, 6, 2]], config: { heightFactor: 0.3, fillMode: 'reflect', interpolation: 'bilinear', fillValue: 0 } },
    {
      inputs: [[5, 6, 1]],
      config: { heightFactor: [-0.5, 0], widthFactor: 0.2, fillMode: 'nearest', interpolation: 'bilinear', fillValue: 0 },
    },
  ],
});
