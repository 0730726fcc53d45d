import { defineMetric, metricConfig } from './metric.ts';
import { averagePrecision, rankSteps } from './shared/ranking.ts';
import { averageOverClasses, noteOfAbsent, RANK_AVERAGE_SCHEMA } from './shared/one-against-rest.ts';
import { scored } from './shared/states.ts';
import type { RankAverageConfig } from './shared/one-against-rest.ts';
import type { ClassChunk } from './metric.ts';
import type { ScoreState } from './shared/states.ts';

/** Average precision: area under the precision-recall curve, without interpolation. */
export default defineMetric<RankAverageConfig, ScoreState, ClassChunk>({
  name: 'prAuc',
  aliases: ['auprc', 'aucPr', 'averagePrecision', 'averagePrecisionScore', 'ap'],
  summary: 'Average precision: area under the precision-recall curve, without interpolation.',
  tasks: ['classification'],
  direction: 'maximize',
  range: [0, 1],
  configSchema: metricConfig({ average: RANK_AVERAGE_SCHEMA }),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.average_precision_score.html',
  ...scored,
  note: noteOfAbsent,
  result: (state, config, context) =>
    averageOverClasses('prAuc', state, config, context, (...ranked) => averagePrecision(rankSteps(...ranked))),
});
