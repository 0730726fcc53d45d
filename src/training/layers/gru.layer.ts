import { snakeCase } from '../keras/names.ts';
import { penalized } from './shared/activity.ts';
import { defineLayer } from './layer.ts';
import { RECURRENT_DEFAULTS, gateProperties, gruCell, recurrentProperties, recurrentShape, unroll } from './shared/recurrent.ts';
import type { GruConfig } from './shared/recurrent-config.ts';
import { bool } from '../model/schema-parts.ts';

const base = { ...RECURRENT_DEFAULTS, recurrentActivation: 'sigmoid', resetAfter: true } as const;

export default defineLayer<GruConfig>({
  type: 'gru',
  summary: 'Gated recurrent unit over the steps of a sequence.',
  keras: { className: 'GRU', weightPath: (weight) => `gru_cell/${snakeCase(weight)}` },
  properties: {
    ...recurrentProperties(),
    ...gateProperties(),
    resetAfter: bool('Apply the reset gate after the product with the state, as current Keras does; false: before it.', true),
  },
  required: ['units'],
  outputShape: (inputs, config) => recurrentShape(inputs, config, 'gru'),
  weights: ([input], config) => gruCell.weights(input!.at(-1)!, config),
  call: (tf, [x], weights, config, context) =>
    penalized(tf, unroll(tf, gruCell, x!, weights, config, context), config.activityRegularizer, context),
  mask: (_tf, _inputs, config, [mask]) => (config.returnSequences ? mask : undefined),
  examples: [
    { inputs: [[5, 3]], config: { ...base, units: 4 } },
    { inputs: [[5, 3]], config: { ...base, units: 4, returnSequences: true } },
    { inputs: [[5, 3]], config: { ...base, units: 4, goBackwards: true } },
    { inputs: [[5, 3]], config: { ...base, units: 4, resetAfter: false } },
    { inputs: [[5, 3]], config: { ...base, units: 4, useBias: false } },
  ],
});
