import { draws, factor, filling, rangeOf, requireImages, spread, warped } from './shared/augmentation.ts';
import type { Factor, Filled } from './shared/augmentation.ts';
import { defineLayer } from './layer.ts';

interface Config extends Filled {
  readonly widthFactor: Factor;
  readonly heightFactor: Factor;
}

const BOUNDS = { minimum: -1, maximum: 1 };

export default defineLayer<Config>({
  type: 'randomShear',
  summary: 'While training, slants images.',
  properties: {
    widthFactor: factor('Largest slant along the width, in pixels per line, or [lowest, highest].', 0.2, BOUNDS, 0),
    heightFactor: factor('Largest slant along the height, in pixels per column, or [lowest, highest].', 0.1, BOUNDS, 0),
    ...filling,
  },
  augmentation: true,
  outputShape: (inputs) => requireImages(inputs, 'randomShear'),
  call(tf, [x], _weights, config, context) {
    if (!context.training) return x!;
    const [first, second] = draws(tf, x!, 2, context);
    return warped(
      tf,
      x!,
      [1, spread(tf, first!, rangeOf(config.widthFactor)), 0, spread(tf, second!, rangeOf(config.heightFactor)), 1, 0],
      config,
    );
  },
  examples: [
    {
      inputs: [[5, 6, 2]],
      config: { widthFactor: 0.3, heightFactor: [0, 0.2], fillMode: 'reflect', interpolation: 'bilinear', fillValue: 0 },
    },
  ],
});
