import { clipped, draws, factor, perImage, rangeOf, requireImages, spread, valueRange } from './shared/augmentation.ts';
import type { Factor, Range } from './shared/augmentation.ts';
import { defineLayer } from './layer.ts';

interface Config {
  readonly factor: Factor;
  readonly valueRange: Range;
}

export default defineLayer<Config>({
  type: 'randomBrightness',
  summary: 'While training, makes images brighter or darker.',
  properties: {
    factor: factor('Largest change as a share of the range of values, or [lowest, highest]; above 0 is brighter.', 0.2, {
      minimum: -1,
      maximum: 1,
    }),
    valueRange,
  },
  required: ['factor'],
  augmentation: true,
  outputShape: (inputs) => requireImages(inputs, 'randomBrightness'),
  call(tf, [x], _weights, config, context) {
    if (!context.training) return x!;
    const [drawn] = draws(tf, x!, 1, context);
    const change = tf.mul(spread(tf, drawn!, rangeOf(config.factor)), Math.abs(config.valueRange[1] - config.valueRange[0]));
    return clipped(tf, tf.add(x!, perImage(tf, change)), config.valueRange);
  },
  examples: [{ inputs: [[4, 5, 3]], config: { factor: 0.3, valueRange: [0, 1] } }],
});
