import { defineLayer } from './layer.ts';
import { marginsOf, marginsProperty } from './shared/padding.ts';
import type { Margins } from './shared/padding.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<{ readonly padding: Margins }>({
  type: 'zeroPadding3d',
  keras: { className: 'ZeroPadding3D' },
  summary: 'Adds zeros around a volume.',
  properties: { padding: marginsProperty(3, 'Number of voxels added', 1) },
  outputShape(inputs, config) {
    const shape = requireRank(inputs, 4, 'a zeroPadding3d layer');
    const margins = marginsOf(config.padding, 3);
    return shape.map((length, axis) => length + (margins[axis]?.[0] ?? 0) + (margins[axis]?.[1] ?? 0));
  },
  call: (tf, [x], _weights, config) => tf.pad(x!, [[0, 0], ...marginsOf(config.padding, 3), [0, 0]] as [number, number][]),
  mask: 'drop',
  examples: [
    { inputs: [[3, 4, 3, 2]], config: {} },
    { inputs: [[3, 4, 3, 2]], config: { padding: [[0, 2], 1, [1, 0]] } },
  ],
});
