import { defineLayer } from './layer.ts';
import { marginsOf, marginsProperty } from './shared/padding.ts';
import type { Margins } from './shared/padding.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<{ readonly padding: Margins }>({
  type: 'zeroPadding2d',
  keras: { className: 'ZeroPadding2D' },
  summary: 'Adds zeros around an image.',
  properties: { padding: marginsProperty(2, 'Number of pixels added', 1) },
  outputShape(inputs, config) {
    const shape = requireRank(inputs, 3, 'a zeroPadding2d layer');
    const margins = marginsOf(config.padding, 2);
    return shape.map((length, axis) => length + (margins[axis]?.[0] ?? 0) + (margins[axis]?.[1] ?? 0));
  },
  call: (tf, [x], _weights, config) => tf.pad(x!, [[0, 0], ...marginsOf(config.padding, 2), [0, 0]] as [number, number][]),
  mask: 'drop',
  examples: [
    { inputs: [[4, 5, 2]], config: {} },
    { inputs: [[4, 5, 2]], config: { padding: [[0, 2], 1] } },
  ],
});
