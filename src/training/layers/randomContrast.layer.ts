import { aroundOne, clipped, draws, factor, perImage, requireImages, spread, valueRange } from './shared/augmentation.ts';
import type { Factor, Range } from './shared/augmentation.ts';
import { defineLayer } from './layer.ts';

interface Config {
  readonly factor: Factor;
  readonly valueRange: Range;
}

export default defineLayer<Config>({
  type: 'randomContrast',
  summary: 'While training, moves pixels away from, or towards, the mean of their channel and image.',
  properties: {
    factor: factor('The distance is multiplied by 1 − factor to 1 + factor; or [lower, upper] for 1 − lower to 1 + upper.', 0.2, {
      minimum: 0,
      maximum: 1,
    }),
    valueRange,
  },
  required: ['factor'],
  augmentation: true,
  outputShape: (inputs) => requireImages(inputs, 'randomContrast'),
  call(tf, [x], _weights, config, context) {
    if (!context.training) return x!;
    const [drawn] = draws(tf, x!, 1, context);
    const mean = tf.mean(x!, [1, 2], true);
    return clipped(
      tf,
      tf.add(tf.mul(tf.sub(x!, mean), perImage(tf, spread(tf, drawn!, aroundOne(config.factor)))), mean),
      config.valueRange,
    );
  },
  examples: [{ inputs: [[4, 5, 3]], config: { factor: 0.3, valueRange: [0, 1] } }],
});
