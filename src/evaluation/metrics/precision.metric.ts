import { AVERAGE_SCHEMA, ZERO_DIVISION_SCHEMA, defineMetric, metricConfig } from './metric.ts';
import { averageRatio, confusion, noteOfAverage } from './shared/states.ts';
import type { AverageConfig, ConfusionState } from './shared/states.ts';
import type { ClassChunk } from './metric.ts';

/** Share of the rows predicted as a class that are of the class. */
export default defineMetric<AverageConfig, ConfusionState, ClassChunk>({
  name: 'precision',
  aliases: ['ppv', 'positivePredictiveValue', 'precisionScore'],
  summary: 'Share of the rows predicted as a class that are of the class.',
  tasks: ['classification'],
  direction: 'maximize',
  range: [0, 1],
  configSchema: metricConfig({ average: AVERAGE_SCHEMA, zeroDivision: ZERO_DIVISION_SCHEMA }),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.precision_score.html',
  ...confusion,
  note: noteOfAverage,
  result: (state, config, context) => averageRatio('precision', state, config, context, (hits, predicted) => [hits, predicted]),
});
