import { axesProperty, broadcastShape, resolveAxes } from './shared/axes.ts';
import type { Axes } from './shared/axes.ts';
import { defineLayer } from './layer.ts';
import { number } from '../model/schema-parts.ts';

const LAYER = 'a rmsNormalization layer';

export default defineLayer<{ readonly axis: Axes; readonly epsilon: number }>({
  type: 'rmsNormalization',
  keras: { className: 'RMSNormalization', keras3Only: true },
  summary: 'Divides vectors by their root mean square, and multiplies by a trained factor.',
  properties: {
    axis: axesProperty('Axes that a vector runs over.', -1, [1, 2]),
    epsilon: number('Added to the mean square.', 1e-6, 1e-5, { exclusiveMinimum: 0 }),
  },
  outputShape([input], { axis }) {
    resolveAxes(axis, input!, LAYER);
    return input!;
  },
  weights: ([input], { axis }) => [
    { name: 'scale', shape: resolveAxes(axis, input!, LAYER).map((each) => input![each - 1]!), initializer: 'ones', trainable: true },
  ],
  call(tf, [x], { scale }, { axis, epsilon }) {
    const shape = x!.shape.slice(1);
    const axes = resolveAxes(axis, shape, LAYER);
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x!), axes, true), epsilon));
    return tf.mul(tf.mul(x!, inverse), tf.reshape(scale!, broadcastShape(shape, axes)));
  },
  mask: 'drop',
  examples: [
    { inputs: [[4]], config: {} },
    { inputs: [[3, 4]], config: { axis: [1, 2] } },
  ],
});
