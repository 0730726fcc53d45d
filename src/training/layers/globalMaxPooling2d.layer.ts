import { defineLayer } from './layer.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<Record<string, never>>({
  type: 'globalMaxPooling2d',
  summary: 'Largest value over the pixels of an image, per channel.',
  keras: { className: 'GlobalMaxPooling2D' },
  properties: {},
  outputShape: (inputs) => [requireRank(inputs, 3, 'a globalMaxPooling2d layer')[2]!],
  call: (tf, [x]) => tf.max(x!, [1, 2]),
  mask: 'drop',
  examples: [{ inputs: [[4, 5, 3]], config: {} }],
});
