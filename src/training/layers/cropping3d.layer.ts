import { defineLayer } from './layer.ts';
import { marginsOf, marginsProperty } from './shared/padding.ts';
import type { Margins } from './shared/padding.ts';
import { AXES, requireRank, shapeError } from './shapes.ts';

export default defineLayer<{ readonly cropping: Margins }>({
  type: 'cropping3d',
  keras: { className: 'Cropping3D' },
  summary: 'Cuts away the edges of a volume.',
  properties: { cropping: marginsProperty(3, 'Number of voxels cut away', 1) },
  outputShape(inputs, config) {
    const shape = requireRank(inputs, 4, 'a cropping3d layer');
    const margins = marginsOf(config.cropping, 3);
    return shape.map((length, axis) => {
      const cut = (margins[axis]?.[0] ?? 0) + (margins[axis]?.[1] ?? 0);
      if (cut >= length)
        throw shapeError(`a cropping of ${cut} leaves nothing of the ${AXES[3][axis]!} of ${length}`, `Cut away at most ${length - 1}.`);
      return length - cut;
    });
  },
  call(tf, [x], _weights, config) {
    const margins = marginsOf(config.cropping, 3);
    return tf.slice(
      x!,
      [0, ...margins.map(([before]) => before), 0],
      x!.shape.map((length, axis) => length - (margins[axis - 1]?.[0] ?? 0) - (margins[axis - 1]?.[1] ?? 0)),
    );
  },
  mask: 'drop',
  examples: [
    { inputs: [[4, 5, 4, 2]], config: {} },
    { inputs: [[4, 5, 4, 2]], config: { cropping: [[0, 2], 1, [1, 0]] } },
  ],
});
