import { defineLayer } from './layer.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<Record<string, never>>({
  type: 'globalAveragePooling2d',
  summary: 'Mean over the pixels of an image, per channel.',
  keras: { className: 'GlobalAveragePooling2D' },
  properties: {},
  outputShape: (inputs) => [requireRank(inputs, 3, 'a globalAveragePooling2d layer')[2]!],
  call: (tf, [x]) => tf.mean(x!, [1, 2]),
  mask: 'drop',
  examples: [{ inputs: [[4, 5, 3]], config: {} }],
});
