import { draws, factor, filling, rangeOf, requireImages, spread, warped } from './shared/augmentation.ts';
import type { Factor, Filled } from './shared/augmentation.ts';
import { defineLayer } from './layer.ts';

interface Config extends Filled {
  readonly heightFactor: Factor;
  readonly widthFactor: Factor;
}

const BOUNDS = { minimum: -1, maximum: 1 };

export default defineLayer<Config>({
  type: 'randomTranslation',
  summary: 'While training, shifts images.',
  properties: {
    heightFactor: factor('Largest shift up or down as a share of the height, or [lowest, highest]; above 0 is down.', 0.1, BOUNDS),
    widthFactor: factor(
      'Largest shift to the left or right as a share of the width, or [lowest, highest]; above 0 is to the right.',
      0.1,
      BOUNDS,
    ),
    ...filling,
  },
  required: ['heightFactor', 'widthFactor'],
  augmentation: true,
  outputShape: (inputs) => requireImages(inputs, 'randomTranslation'),
  call(tf, [x], _weights, config, context) {
    if (!context.training) return x!;
    const [first, second] = draws(tf, x!, 2, context);
    const down = tf.mul(spread(tf, first!, rangeOf(config.heightFactor)), x!.shape[1]!);
    const right = tf.mul(spread(tf, second!, rangeOf(config.widthFactor)), x!.shape[2]!);
    return warped(tf, x!, [1, 0, tf.neg(right), 0, 1, tf.neg(down)], config);
  },
  examples: [
    { inputs: [[5, 6, 2]], config: { heightFactor: 0.2, widthFactor: 0.3, fillMode: 'wrap', interpolation: 'bilinear', fillValue: 0 } },
    {
      inputs: [[5, 6, 1]],
      config: { heightFactor: [0, 0.4], widthFactor: 0, fillMode: 'constant', interpolation: 'bilinear', fillValue: 1 },
    },
  ],
});
