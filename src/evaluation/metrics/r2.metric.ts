import { exactSum } from './shared/exact-sum.ts';
import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import { paired, spreadOfLabels } from './shared/states.ts';
import type { NumberChunk } from './metric.ts';
import type { PairState } from './shared/states.ts';

/** Share of the variance of the label that is explained; 0 is no better than its mean. Not defined where all labels are the same number. */
export default defineMetric<object, PairState, NumberChunk>({
  name: 'r2',
  aliases: ['r2Score', 'rSquared', 'coefficientOfDetermination', 'rsq'],
  summary:
    'Share of the variance of the label that is explained; 0 is no better than its mean. Not defined where all labels are the same number.',
  tasks: ['regression'],
  direction: 'maximize',
  range: [null, 1],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.r2_score.html',
  ...paired,
  result: (state, _config, context) =>
    paired.result('r2', state, context.width, (labels, predictions, weights) => {
      const rows = labels.length;
      if (rows < 2) throw undefinedMetric('r2', 'it needs two rows');
      const residual = exactSum(rows, (row) => weights[row]! * (labels[row]! - predictions[row]!) ** 2);
      const total = spreadOfLabels('r2', labels, weights);
      return 1 - residual / total;
    }),
});
