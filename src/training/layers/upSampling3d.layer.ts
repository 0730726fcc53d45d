import { defineLayer } from './layer.ts';
import { asSizes, sizes } from '../model/schema-parts.ts';
import type { Sizes } from '../model/schema-parts.ts';
import { requireRank } from './shapes.ts';
import { repeatAlong } from './shared/up-sampling.ts';

export default defineLayer<{ readonly size: Sizes }>({
  type: 'upSampling3d',
  keras: { className: 'UpSampling3D' },
  summary: 'Repeats every voxel of a volume.',
  properties: { size: sizes(3, 'How often along each axis.', 2, 3) },
  outputShape(inputs, config) {
    const shape = requireRank(inputs, 4, 'a upSampling3d layer');
    const times = asSizes(config.size, 3);
    return shape.map((length, axis) => length * (times[axis] ?? 1));
  },
  call: (tf, [x], _weights, config) =>
    asSizes(config.size, 3).reduce((volume, times, axis) => repeatAlong(tf, volume, axis + 1, times), x!),
  mask: 'drop',
  examples: [{ inputs: [[2, 3, 2, 2]], config: { size: [2, 1, 3] } }],
});
