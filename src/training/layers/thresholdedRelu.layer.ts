import { activate } from './activations.ts';
import { defineLayer } from './layer.ts';
import { number } from '../model/schema-parts.ts';

export default defineLayer<{ readonly theta: number }>({
  type: 'thresholdedRelu',
  // Keras 3 has only ReLU with a threshold, which Keras 2 has as well.
  keras: {
    className: 'ThresholdedReLU',
    classFor: (_config, { dialect }) => (dialect === 'keras' ? 'ReLU' : undefined),
    toKeras: (translated, { theta }, { dialect }) =>
      dialect === 'keras' ? { max_value: null, negative_slope: 0, threshold: theta } : translated,
  },
  summary: 'x above a threshold, 0 otherwise.',
  properties: { theta: number('The threshold.', 1, 0.5, { minimum: 0 }) },
  outputShape: ([input]) => input!,
  call: (tf, [x], _weights, { theta }) => activate(tf, x!, { relu: { threshold: theta } }),
  examples: [{ inputs: [[6]], config: { theta: 0.3 } }],
  reference: 'https://www.tensorflow.org/api_docs/python/tf/keras/layers/ThresholdedReLU',
});
