import { defineLayer } from './layer.ts';
import { integer } from '../model/schema-parts.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<{ readonly n: number }>({
  type: 'repeatVector',
  keras: { className: 'RepeatVector' },
  summary: 'A sequence of one vector again and again.',
  properties: { n: integer('Number of steps.', undefined, 7) },
  required: ['n'],
  outputShape: (inputs, { n }) => [n, requireRank(inputs, 1, 'a repeatVector layer')[0]!],
  call: (tf, [x], _weights, { n }) => tf.mul(tf.expandDims(x!, 1), tf.ones([1, n, 1])),
  mask: 'drop',
  examples: [{ inputs: [[4]], config: { n: 3 } }],
});
