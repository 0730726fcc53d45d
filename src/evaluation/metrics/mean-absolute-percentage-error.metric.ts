import { defineMetric, metricConfig } from './metric.ts';
import { summed } from './shared/states.ts';
import type { NumberChunk } from './metric.ts';
import type { SumState } from './shared/states.ts';

/** Mean distance of the prediction from the label, as a share of the label (0.1 is 10 %). */
export default defineMetric<object, SumState, NumberChunk>({
  name: 'meanAbsolutePercentageError',
  aliases: ['mape'],
  summary: 'Mean distance of the prediction from the label, as a share of the label (0.1 is 10 %). Not defined where a label is 0.',
  tasks: ['regression'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.mean_absolute_percentage_error.html',
  init: summed.init,
  update: (state, chunk) =>
    summed.update(state, chunk, (label, prediction) => {
      return label === 0 ? 'whose label is 0: a share of 0 means nothing' : Math.abs((label - prediction) / label);
    }),
  merge: summed.merge,
  result: (state) =>
    summed.result(
      'meanAbsolutePercentageError',
      state,
      undefined,
      'Ask for "meanAbsoluteError", which is in the units of the label, in its place.',
    ),
});
