import { defineLayer } from './layer.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<Record<string, never>>({
  type: 'globalAveragePooling1d',
  summary: 'Mean over the steps of a sequence; masked steps do not count.',
  keras: { className: 'GlobalAveragePooling1D' },
  properties: {},
  outputShape: (inputs) => [requireRank(inputs, 2, 'a globalAveragePooling1d layer')[1]!],
  call(tf, [x], _weights, _config, { masks: [mask] }) {
    if (mask === undefined) return tf.mean(x!, 1);
    const weighted = tf.sum(tf.mul(x!, tf.expandDims(mask, 2)), 1);
    return tf.div(weighted, tf.maximum(tf.sum(mask, 1, true), 1));
  },
  mask: 'drop',
  examples: [{ inputs: [[5, 3]], config: {} }],
});
