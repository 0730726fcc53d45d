import { AVERAGE_SCHEMA, ZERO_DIVISION_SCHEMA, defineMetric, metricConfig } from './metric.ts';
import { averageRatio, confusion, noteOfAverage } from './shared/states.ts';
import type { AverageConfig, ConfusionState } from './shared/states.ts';
import type { ClassChunk } from './metric.ts';

/** Share of the rows of a class that are predicted as it. */
export default defineMetric<AverageConfig, ConfusionState, ClassChunk>({
  name: 'recall',
  aliases: ['tpr', 'sensitivity', 'truePositiveRate', 'recallScore'],
  summary: 'Share of the rows of a class that are predicted as it.',
  tasks: ['classification'],
  direction: 'maximize',
  range: [0, 1],
  configSchema: metricConfig({ average: AVERAGE_SCHEMA, zeroDivision: ZERO_DIVISION_SCHEMA }),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.recall_score.html',
  ...confusion,
  note: noteOfAverage,
  result: (state, config, context) => averageRatio('recall', state, config, context, (hits, _predicted, support) => [hits, support]),
});
