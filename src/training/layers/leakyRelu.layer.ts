import { defineLayer } from '../layer.ts';
import { number } from '../schema-parts.ts';

export default defineLayer<{ readonly negativeSlope: number }>({
  type: 'leakyRelu',
  keras: { className: 'LeakyReLU' },
  summary: 'x above 0, a small slope below.',
  properties: { negativeSlope: number('Slope below 0.', 0.3, 0.2, { minimum: 0 }) },
  outputShape: ([input]) => input!,
  call: (tf, [x], _weights, { negativeSlope }) => tf.leakyRelu(x!, negativeSlope),
  examples: [{ inputs: [[6]], config: {} }],
});
