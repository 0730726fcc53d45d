import { exactSum } from './shared/exact-sum.ts';
import { defineMetric, metricConfig } from './metric.ts';
import { paired, spreadOfLabels } from './shared/states.ts';
import type { NumberChunk } from './metric.ts';
import type { PairState } from './shared/states.ts';

/** Share of the variance of the label that is explained, a constant offset forgiven. Not defined where all labels are the same number. */
export default defineMetric<object, PairState, NumberChunk>({
  name: 'explainedVariance',
  aliases: ['explainedVarianceScore', 'evs'],
  summary:
    'Share of the variance of the label that is explained, a constant offset forgiven. Not defined where all labels are the same number.',
  tasks: ['regression'],
  direction: 'maximize',
  range: [null, 1],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.explained_variance_score.html',
  ...paired,
  result: (state, _config, context) =>
    paired.result('explainedVariance', state, context.width, (labels, predictions, weights) => {
      const rows = labels.length;
      const weight = exactSum(rows, (row) => weights[row]!);
      const meanError = exactSum(rows, (row) => weights[row]! * (labels[row]! - predictions[row]!)) / weight;
      const unexplained = exactSum(rows, (row) => weights[row]! * (labels[row]! - predictions[row]! - meanError) ** 2);
      const total = spreadOfLabels('explainedVariance', labels, weights);
      return 1 - unexplained / total;
    }),
});
