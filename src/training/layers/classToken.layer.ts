import type { InitializerName } from './initializers.ts';
import { defineLayer } from './layer.ts';
import { initializer } from '../model/schema-parts.ts';
import { requireRank } from './shapes.ts';

/** J. Devlin et al.: BERT (2019), the token [CLS]. */
export default defineLayer<{ readonly initializer: InitializerName }>({
  type: 'classToken',
  summary: 'Puts a trained vector before a sequence: attention gathers there what the dense layers read.',
  properties: { initializer: initializer('normal') },
  outputShape(inputs) {
    const [steps, features] = requireRank(inputs, 2, 'a classToken layer') as [number, number];
    return [steps + 1, features];
  },
  weights: ([input], config) => [{ name: 'token', shape: [input!.at(-1)!], initializer: config.initializer, trainable: true }],
  call(tf, [x], { token }) {
    const [batch, , features] = x!.shape as [number, number, number];
    const tokens = tf.matMul(tf.ones([batch, 1]), tf.reshape(token!, [1, features]));
    return tf.concat([tf.reshape(tokens, [batch, 1, features]), x!], 1);
  },
  mask: (tf, _inputs, _config, [mask]) => (mask === undefined ? undefined : tf.concat([tf.ones([mask.shape[0], 1]), mask], 1)),
  examples: [{ inputs: [[4, 3]], config: { initializer: 'normal' } }],
  reference: 'https://arxiv.org/abs/1810.04805',
});
