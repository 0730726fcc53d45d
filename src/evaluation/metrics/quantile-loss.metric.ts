import { defineMetric, metricConfig } from './metric.ts';
import { summed } from './shared/states.ts';
import type { NumberChunk } from './metric.ts';
import type { SumState } from './shared/states.ts';

/** Pinball loss: smallest where so large a share of the labels lies below the predictions. */
export default defineMetric<{ readonly quantile?: number }, SumState, NumberChunk>({
  name: 'quantileLoss',
  aliases: ['pinball', 'pinballLoss', 'meanPinballLoss'],
  summary: 'Mean pinball loss: smallest where the predictions are this quantile of the labels, in the units of the label.',
  tasks: ['regression'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig({
    quantile: {
      type: 'number',
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      default: 0.5,
      description: 'Share of the labels that are to lie below the predictions. 0.5: half of the mean absolute error.',
      examples: [0.9],
    },
  }),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.mean_pinball_loss.html',
  init: summed.init,
  update: (state, chunk, { quantile = 0.5 }) =>
    summed.update(state, chunk, (label, prediction) =>
      label >= prediction ? quantile * (label - prediction) : (1 - quantile) * (prediction - label),
    ),
  merge: summed.merge,
  result: (state) => summed.result('quantileLoss', state),
});
