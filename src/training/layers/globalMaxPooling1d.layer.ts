import { defineLayer } from './layer.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<Record<string, never>>({
  type: 'globalMaxPooling1d',
  summary: 'Largest value over the steps of a sequence.',
  keras: { className: 'GlobalMaxPooling1D' },
  properties: {},
  outputShape: (inputs) => [requireRank(inputs, 2, 'a globalMaxPooling1d layer')[1]!],
  call: (tf, [x]) => tf.max(x!, 1),
  mask: 'drop',
  examples: [{ inputs: [[5, 3]], config: {} }],
});
