import { AVERAGE_SCHEMA, ZERO_DIVISION_SCHEMA, defineMetric, metricConfig } from './metric.ts';
import { averageRatio, confusion, noteOfAverage } from './shared/states.ts';
import type { AverageConfig, ConfusionState } from './shared/states.ts';
import type { ClassChunk } from './metric.ts';

/** Harmonic mean of precision and recall. */
export default defineMetric<AverageConfig, ConfusionState, ClassChunk>({
  name: 'f1',
  aliases: ['f1Score', 'fscore', 'fMeasure'],
  summary: 'Harmonic mean of precision and recall.',
  tasks: ['classification'],
  direction: 'maximize',
  range: [0, 1],
  configSchema: metricConfig({ average: AVERAGE_SCHEMA, zeroDivision: ZERO_DIVISION_SCHEMA }),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.f1_score.html',
  ...confusion,
  note: noteOfAverage,
  result: (state, config, context) =>
    averageRatio('f1', state, config, context, (hits, predicted, support) => [2 * hits, predicted + support]),
});
