import { plainActivation } from './activations.ts';
import { plainlyActivated } from './shared/plain.ts';
import { defineLayer } from './layer.ts';
import { number } from '../model/schema-parts.ts';

export default defineLayer<{ readonly negativeSlope: number }>({
  type: 'leakyRelu',
  // Keras 2 and TF.js call it alpha, which Keras 3 reads as well; it writes negative_slope.
  keras: {
    className: 'LeakyReLU',
    keys: { negativeSlope: 'alpha' },
    reads: ['negative_slope'],
    fromKeras: (translated, { negative_slope: slope }) => (slope === undefined || slope === null ? translated : { negativeSlope: slope }),
  },
  summary: 'x above 0, a small slope below.',
  properties: { negativeSlope: number('Slope below 0.', 0.3, 0.2, { minimum: 0 }) },
  outputShape: ([input]) => input!,
  call: (tf, [x], _weights, { negativeSlope }) => tf.leakyRelu(x!, negativeSlope),
  plain: ([input], _weights, { negativeSlope }) => plainlyActivated(input!, plainActivation({ leakyRelu: { negativeSlope } })),
  examples: [{ inputs: [[6]], config: {} }],
});
