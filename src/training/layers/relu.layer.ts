import { activate, plainActivation } from './activations.ts';
import { plainlyActivated } from './shared/plain.ts';
import { defineLayer } from './layer.ts';
import { number } from '../model/schema-parts.ts';

interface Config {
  readonly maxValue?: number;
  readonly negativeSlope: number;
  readonly threshold: number;
}

export default defineLayer<Config>({
  type: 'relu',
  keras: { className: 'ReLU' },
  summary: 'max(0, x), with a largest value, a slope below, or a threshold.',
  properties: {
    maxValue: number('Largest value.', undefined, 6, { minimum: 0 }),
    negativeSlope: number('Slope below the threshold.', 0, 0.1, { minimum: 0 }),
    threshold: number('Values up to it become 0, or lie on the slope.', 0, 0.5, { minimum: 0 }),
  },
  outputShape: ([input]) => input!,
  call: (tf, [x], _weights, config) => activate(tf, x!, { relu: { ...config } }),
  plain: ([input], _weights, config) => plainlyActivated(input!, plainActivation({ relu: { ...config } })),
  examples: [
    { inputs: [[6]], config: {} },
    { inputs: [[6]], config: { maxValue: 1, negativeSlope: 0.1, threshold: 0.2 } },
  ],
});
