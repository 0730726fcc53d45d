import { defineLayer } from './layer.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<Record<string, never>>({
  type: 'globalMaxPooling3d',
  keras: { className: 'GlobalMaxPooling3D' },
  summary: 'Largest value over the voxels of a volume, per channel.',
  properties: {},
  outputShape: (inputs) => [requireRank(inputs, 4, 'a globalMaxPooling3d layer')[3]!],
  call: (tf, [x]) => tf.max(x!, [1, 2, 3]),
  mask: 'drop',
  examples: [{ inputs: [[2, 3, 4, 2]], config: {} }],
});
