import { defineLayer } from './layer.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<Record<string, never>>({
  type: 'globalAveragePooling3d',
  keras: { className: 'GlobalAveragePooling3D' },
  summary: 'Mean over the voxels of a volume, per channel.',
  properties: {},
  outputShape: (inputs) => [requireRank(inputs, 4, 'a globalAveragePooling3d layer')[3]!],
  call: (tf, [x]) => tf.mean(x!, [1, 2, 3]),
  mask: 'drop',
  examples: [{ inputs: [[2, 3, 4, 2]], config: {} }],
});
