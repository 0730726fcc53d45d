import { exactSum } from './shared/exact-sum.ts';
import { defineMetric, metricConfig, undefinedMetric } from '../metric.ts';
import { paired } from './shared/states.ts';
import type { NumberChunk } from '../metric.ts';
import type { PairState } from './shared/states.ts';

/** Share of the variance of the label that is explained; 0 is no better than its mean. Constant labels: 1 if exact, else 0. */
export default defineMetric<object, PairState, NumberChunk>({
  name: 'r2',
  summary: 'Share of the variance of the label that is explained; 0 is no better than its mean. Constant labels: 1 if exact, else 0.',
  tasks: ['regression'],
  direction: 'maximize',
  range: [null, 1],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.r2_score.html',
  ...paired,
  result: (state, _config, context) =>
    paired.result('r2', state, context.width, (labels, predictions) => {
      const rows = labels.length;
      if (rows < 2) throw undefinedMetric('r2', 'it needs two rows');
      const mean = exactSum(rows, (row) => labels[row]!) / rows;
      const residual = exactSum(rows, (row) => (labels[row]! - predictions[row]!) ** 2);
      const total = exactSum(rows, (row) => (labels[row]! - mean) ** 2);
      if (total === 0) return residual === 0 ? 1 : 0;
      return 1 - residual / total;
    }),
});
