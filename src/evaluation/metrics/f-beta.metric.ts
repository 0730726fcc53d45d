import { AVERAGE_SCHEMA, ZERO_DIVISION_SCHEMA, defineMetric, metricConfig } from './metric.ts';
import { averageRatio, confusion, noteOfAverage } from './shared/states.ts';
import type { AverageConfig, ConfusionState } from './shared/states.ts';
import type { ClassChunk } from './metric.ts';

/** Weighted harmonic mean of precision and recall: recall counts `beta` times as much. */
export default defineMetric<AverageConfig & { readonly beta?: number }, ConfusionState, ClassChunk>({
  name: 'fBeta',
  aliases: ['fbetaScore'],
  summary: 'Weighted harmonic mean of precision and recall: recall counts "beta" times as much.',
  tasks: ['classification'],
  direction: 'maximize',
  range: [0, 1],
  configSchema: metricConfig({
    beta: { type: 'number', exclusiveMinimum: 0, default: 2, description: 'Weight of recall over precision.', examples: [0.5, 2] },
    average: AVERAGE_SCHEMA,
    zeroDivision: ZERO_DIVISION_SCHEMA,
  }),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.fbeta_score.html',
  ...confusion,
  note: noteOfAverage,
  result(state, config, context) {
    const square = (config.beta ?? 2) ** 2;
    return averageRatio('fBeta', state, config, context, (hits, predicted, support) => [(1 + square) * hits, predicted + square * support]);
  },
});
