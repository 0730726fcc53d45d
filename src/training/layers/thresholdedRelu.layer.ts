import { activate } from '../activations.ts';
import { defineLayer } from '../layer.ts';
import { number } from '../schema-parts.ts';

export default defineLayer<{ readonly theta: number }>({
  type: 'thresholdedRelu',
  keras: { className: 'ThresholdedReLU' },
  summary: 'x above a threshold, 0 otherwise.',
  properties: { theta: number('The threshold.', 1, 0.5, { minimum: 0 }) },
  outputShape: ([input]) => input!,
  call: (tf, [x], _weights, { theta }) => activate(tf, x!, { relu: { threshold: theta } }),
  examples: [{ inputs: [[6]], config: { theta: 0.3 } }],
  reference: 'https://www.tensorflow.org/api_docs/python/tf/keras/layers/ThresholdedReLU',
});
