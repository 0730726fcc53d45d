import { snakeCase } from '../keras/names.ts';
import { penalized } from './shared/activity.ts';
import { defineLayer } from './layer.ts';
import { RECURRENT_DEFAULTS, gateProperties, lstmCell, recurrentProperties, recurrentShape, unroll } from './shared/recurrent.ts';
import type { LstmConfig } from './shared/recurrent-config.ts';
import { bool } from '../model/schema-parts.ts';

const base = { ...RECURRENT_DEFAULTS, recurrentActivation: 'sigmoid', unitForgetBias: true } as const;

export default defineLayer<LstmConfig>({
  type: 'lstm',
  summary: 'Long short-term memory over the steps of a sequence.',
  keras: { className: 'LSTM', weightPath: (weight) => `lstm_cell/${snakeCase(weight)}` },
  properties: {
    ...recurrentProperties(),
    ...gateProperties(),
    unitForgetBias: bool('The bias of the forget gate starts at 1.', true),
  },
  required: ['units'],
  outputShape: (inputs, config) => recurrentShape(inputs, config, 'lstm'),
  weights: ([input], config) => lstmCell.weights(input!.at(-1)!, config),
  call: (tf, [x], weights, config, context) =>
    penalized(tf, unroll(tf, lstmCell, x!, weights, config, context), config.activityRegularizer, context),
  mask: (_tf, _inputs, config, [mask]) => (config.returnSequences ? mask : undefined),
  examples: [
    { inputs: [[5, 3]], config: { ...base, units: 4 } },
    { inputs: [[5, 3]], config: { ...base, units: 4, returnSequences: true } },
    {
      inputs: [[5, 3]],
      config: {
        ...base,
        units: 4,
        goBackwards: true,
        biasInitializer: 'normal',
        recurrentConstraint: { maxNorm: { maxValue: 0.9, axis: 1 } },
      },
    },
  ],
});
