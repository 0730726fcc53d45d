import { passed } from './shared/plain.ts';
import { defineLayer } from './layer.ts';
import { rate } from '../model/schema-parts.ts';
import { statelessNormal } from '../tensorflow/tf.ts';

export default defineLayer<{ readonly rate: number }>({
  type: 'gaussianDropout',
  keras: { className: 'GaussianDropout' },
  summary: 'While training, multiplies by normal noise around 1 with the variance rate / (1 − rate).',
  properties: { rate: rate('As the share of a dropout of the same strength.') },
  required: ['rate'],
  outputShape: ([input]) => input!,
  call: (tf, [x], _weights, config, context) =>
    context.training && config.rate > 0
      ? tf.mul(x!, tf.add(tf.mul(statelessNormal(tf, x!.shape, context.seed), Math.sqrt(config.rate / (1 - config.rate))), 1))
      : x!,
  plain: () => passed,
  examples: [{ inputs: [[8]], config: { rate: 0.3 } }],
});
