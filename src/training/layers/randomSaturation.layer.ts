import { aroundOne, draws, factor, perImage, requireColour, shareOf, spread } from './shared/augmentation.ts';
import type { Factor } from './shared/augmentation.ts';
import { defineLayer } from './layer.ts';

interface Config {
  readonly factor: Factor;
}

export default defineLayer<Config>({
  type: 'randomSaturation',
  summary: 'While training, makes the colours of images stronger or weaker.',
  properties: {
    factor: factor(
      'The saturation (of hue, saturation and value) is multiplied by 1 − factor to 1 + factor, up to full; or [lower, upper] for 1 − lower to 1 + upper.',
      0.3,
      { minimum: 0, maximum: 1 },
    ),
  },
  required: ['factor'],
  augmentation: true,
  outputShape: (inputs) => requireColour(inputs, 'randomSaturation'),
  call(tf, [x], _weights, config, context) {
    if (!context.training) return x!;
    const [drawn] = draws(tf, x!, 1, context);
    const value = tf.max(x!, 3, true);
    // Full saturation is where the weakest channel is gone: no channel becomes negative.
    const most = shareOf(tf, value, tf.sub(value, tf.min(x!, 3, true)));
    const strength = tf.minimum(perImage(tf, spread(tf, drawn!, aroundOne(config.factor))), most);
    return tf.sub(value, tf.mul(tf.sub(value, x!), strength));
  },
  examples: [{ inputs: [[4, 5, 3]], config: { factor: 0.5 } }],
  reference: 'https://www.tensorflow.org/api_docs/python/tf/image/adjust_saturation',
});
