import { defineLayer } from './layer.ts';
import { marginsOf, marginsProperty } from './shared/padding.ts';
import type { Margins } from './shared/padding.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<{ readonly padding: Margins }>({
  type: 'zeroPadding1d',
  keras: { className: 'ZeroPadding1D' },
  summary: 'Adds zeros around a sequence.',
  properties: { padding: marginsProperty(1, 'Number of steps added', 1) },
  outputShape(inputs, config) {
    const shape = requireRank(inputs, 2, 'a zeroPadding1d layer');
    const margins = marginsOf(config.padding, 1);
    return shape.map((length, axis) => length + (margins[axis]?.[0] ?? 0) + (margins[axis]?.[1] ?? 0));
  },
  call: (tf, [x], _weights, config) => tf.pad(x!, [[0, 0], ...marginsOf(config.padding, 1), [0, 0]] as [number, number][]),
  mask: 'drop',
  examples: [
    { inputs: [[5, 3]], config: {} },
    { inputs: [[5, 3]], config: { padding: [1, 2] } },
  ],
});
