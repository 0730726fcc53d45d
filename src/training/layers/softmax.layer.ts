import { axesProperty, resolveAxes } from './shared/axes.ts';
import type { Axes } from './shared/axes.ts';
import { plainActivation } from './activations.ts';
import { plainlyActivated } from './shared/plain.ts';
import { defineLayer } from './layer.ts';

export default defineLayer<{ readonly axis: Axes }>({
  type: 'softmax',
  keras: { className: 'Softmax' },
  summary: 'exp(x), scaled to the sum 1.',
  properties: { axis: axesProperty('Axes that the sum runs over.', -1, 1) },
  outputShape([input], { axis }) {
    resolveAxes(axis, input!, 'a softmax layer');
    return input!;
  },
  call(tf, [x], _weights, { axis }) {
    const axes = resolveAxes(axis, x!.shape.slice(1), 'a softmax layer');
    if (axes.length === 1 && axes[0] === x!.rank - 1) return tf.softmax(x!);
    return tf.exp(tf.sub(x!, tf.logSumExp(x!, axes, true)));
  },
  plain: ([input]) => plainlyActivated(input!, plainActivation('softmax')),
  examples: [
    { inputs: [[6]], config: {} },
    { inputs: [[3, 2, 4]], config: { axis: [1, 2] } },
  ],
});
