import { passed } from './shared/plain.ts';
import { defineLayer } from './layer.ts';
import { rate } from '../model/schema-parts.ts';
import { statelessUniform } from '../tensorflow/tf.ts';

/** What selu tends to towards minus infinity. */
const LIMIT = -1.6732632423543772 * 1.0507009873554805;

export default defineLayer<{ readonly rate: number }>({
  type: 'alphaDropout',
  keras: { className: 'AlphaDropout' },
  summary: 'Dropout for selu: dropped values take its lower limit, and mean and variance stay as they are.',
  properties: { rate: rate('Share of values dropped.') },
  required: ['rate'],
  outputShape: ([input]) => input!,
  call(tf, [x], _weights, { rate: dropped }, context) {
    if (!context.training || dropped === 0) return x!;
    const kept = tf.cast(tf.greaterEqual(statelessUniform(tf, x!.shape, context.seed), dropped), 'float32');
    const scale = ((1 - dropped) * (1 + dropped * LIMIT ** 2)) ** -0.5;
    const values = tf.add(tf.mul(x!, kept), tf.mul(tf.sub(1, kept), LIMIT));
    return tf.add(tf.mul(values, scale), -scale * LIMIT * dropped);
  },
  plain: () => passed,
  examples: [{ inputs: [[8]], config: { rate: 0.3 } }],
});
