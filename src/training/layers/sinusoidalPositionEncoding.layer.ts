import { defineLayer } from './layer.ts';
import { number } from '../model/schema-parts.ts';
import { requireRank } from './shapes.ts';

/** A. Vaswani et al.: Attention Is All You Need (2017), section 3.5. */
export default defineLayer<{ readonly maxWavelength: number }>({
  type: 'sinusoidalPositionEncoding',
  summary: 'Adds sines and cosines of the place in a sequence, so that attention can tell the order. Nothing is trained.',
  properties: { maxWavelength: number('Steps of the longest wave, divided by 2π.', 10_000, 1_000, { exclusiveMinimum: 1 }) },
  outputShape: (inputs) => requireRank(inputs, 2, 'a sinusoidalPositionEncoding layer'),
  call(tf, [x], _weights, { maxWavelength }) {
    const [, steps, features] = x!.shape as [number, number, number];
    // Sine and cosine of one wave lie side by side; a cosine is a sine a quarter of a wave ahead.
    const frequencies = Array.from({ length: features }, (_, feature) => maxWavelength ** (-(2 * Math.floor(feature / 2)) / features));
    const phases = Array.from({ length: features }, (_, feature) => (feature % 2) * (Math.PI / 2));
    const angles = tf.add(tf.mul(tf.reshape(tf.range(0, steps), [steps, 1]), tf.tensor1d(frequencies)), tf.tensor1d(phases));
    return tf.add(x!, tf.sin(angles));
  },
  examples: [{ inputs: [[5, 3]], config: { maxWavelength: 10_000 } }],
  reference: 'https://keras.io/keras_hub/api/modeling_layers/sine_position_encoding/',
});
