import { defineMetric, metricConfig, undefinedMetric } from '../metric.ts';
import { summed } from './shared/states.ts';
import type { NumberChunk } from '../metric.ts';
import type { SumState } from './shared/states.ts';

/** Mean distance of the prediction from the label, as a share of the label (0.1 is 10 %). Labels must not be 0. */
export default defineMetric<object, SumState, NumberChunk>({
  name: 'meanAbsolutePercentageError',
  summary: 'Mean distance of the prediction from the label, as a share of the label (0.1 is 10 %).',
  tasks: ['regression'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.mean_absolute_percentage_error.html',
  init: summed.init,
  update: (state, chunk) =>
    summed.update(state, chunk, (label, prediction) => {
      if (label === 0) throw undefinedMetric('meanAbsolutePercentageError', 'a label is 0, and a share of 0 means nothing', 'Use meanAbsoluteError.');
      return Math.abs((label - prediction) / label);
    }),
  merge: summed.merge,
  result: (state) => summed.result('meanAbsolutePercentageError', state),
});
