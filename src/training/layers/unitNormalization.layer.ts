import { axesProperty, resolveAxes } from './shared/axes.ts';
import type { Axes } from './shared/axes.ts';
import { defineLayer } from './layer.ts';
import { unitNorm } from './shared/norms.ts';

export default defineLayer<{ readonly axis: Axes }>({
  type: 'unitNormalization',
  keras: { className: 'UnitNormalization' },
  summary: 'Scales vectors to the Euclidean norm 1.',
  properties: { axis: axesProperty('Axes that a vector runs over.', -1, [1, 2]) },
  outputShape([input], { axis }) {
    resolveAxes(axis, input!, 'a unitNormalization layer');
    return input!;
  },
  call: (tf, [x], _weights, { axis }) => unitNorm(tf, x!, axis),
  examples: [
    { inputs: [[4]], config: {} },
    { inputs: [[3, 4]], config: { axis: [1, 2] } },
  ],
});
