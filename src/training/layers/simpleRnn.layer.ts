import { snakeCase } from '../keras/names.ts';
import { penalized } from './shared/activity.ts';
import { defineLayer } from './layer.ts';
import { RECURRENT_DEFAULTS, recurrentProperties, recurrentShape, simpleCell, unroll } from './shared/recurrent.ts';
import type { SimpleConfig } from './shared/recurrent-config.ts';

const base = RECURRENT_DEFAULTS;

export default defineLayer<SimpleConfig>({
  type: 'simpleRnn',
  summary: 'Plain recurrent layer over the steps of a sequence.',
  keras: { className: 'SimpleRNN', weightPath: (weight) => `simple_rnn_cell/${snakeCase(weight)}` },
  properties: {
    ...recurrentProperties(),
  },
  required: ['units'],
  outputShape: (inputs, config) => recurrentShape(inputs, config, 'simpleRnn'),
  weights: ([input], config) => simpleCell.weights(input!.at(-1)!, config),
  call: (tf, [x], weights, config, context) =>
    penalized(tf, unroll(tf, simpleCell, x!, weights, config, context), config.activityRegularizer, context),
  mask: (_tf, _inputs, config, [mask]) => (config.returnSequences ? mask : undefined),
  examples: [
    { inputs: [[5, 3]], config: { ...base, units: 4 } },
    { inputs: [[5, 3]], config: { ...base, units: 4, returnSequences: true } },
    { inputs: [[5, 3]], config: { ...base, units: 4, goBackwards: true } },
  ],
});
