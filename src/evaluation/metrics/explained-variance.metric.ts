import { exactSum } from './shared/exact-sum.ts';
import { defineMetric, metricConfig } from '../metric.ts';
import { paired } from './shared/states.ts';
import type { NumberChunk } from '../metric.ts';
import type { PairState } from './shared/states.ts';

/** Share of the variance of the label that is explained, a constant offset forgiven. Constant labels: 1 if the errors are constant, else 0. */
export default defineMetric<object, PairState, NumberChunk>({
  name: 'explainedVariance',
  summary: 'Share of the variance of the label that is explained, a constant offset forgiven. Constant labels: 1 if the errors are constant, else 0.',
  tasks: ['regression'],
  direction: 'maximize',
  range: [null, 1],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.explained_variance_score.html',
  ...paired,
  result: (state, _config, context) =>
    paired.result('explainedVariance', state, context.width, (labels, predictions) => {
      const rows = labels.length;
      const meanError = exactSum(rows, (row) => labels[row]! - predictions[row]!) / rows;
      const mean = exactSum(rows, (row) => labels[row]!) / rows;
      const unexplained = exactSum(rows, (row) => (labels[row]! - predictions[row]! - meanError) ** 2);
      const total = exactSum(rows, (row) => (labels[row]! - mean) ** 2);
      if (total === 0) return unexplained === 0 ? 1 : 0;
      return 1 - unexplained / total;
    }),
});
