import { defineLayer } from './layer.ts';
import { marginsOf, marginsProperty } from './shared/padding.ts';
import type { Margins } from './shared/padding.ts';
import { AXES, requireRank, shapeError } from './shapes.ts';

export default defineLayer<{ readonly cropping: Margins }>({
  type: 'cropping1d',
  keras: { className: 'Cropping1D' },
  summary: 'Cuts away the edges of a sequence.',
  properties: { cropping: marginsProperty(1, 'Number of steps cut away', [1, 1]) },
  outputShape(inputs, config) {
    const shape = requireRank(inputs, 2, 'a cropping1d layer');
    const margins = marginsOf(config.cropping, 1);
    return shape.map((length, axis) => {
      const cut = (margins[axis]?.[0] ?? 0) + (margins[axis]?.[1] ?? 0);
      if (cut >= length)
        throw shapeError(`a cropping of ${cut} leaves nothing of the ${AXES[1][axis]!} of ${length}`, `Cut away at most ${length - 1}.`);
      return length - cut;
    });
  },
  call(tf, [x], _weights, config) {
    const margins = marginsOf(config.cropping, 1);
    return tf.slice(
      x!,
      [0, ...margins.map(([before]) => before), 0],
      x!.shape.map((length, axis) => length - (margins[axis - 1]?.[0] ?? 0) - (margins[axis - 1]?.[1] ?? 0)),
    );
  },
  mask: 'drop',
  examples: [
    { inputs: [[7, 3]], config: {} },
    { inputs: [[7, 3]], config: { cropping: [1, 2] } },
  ],
});
