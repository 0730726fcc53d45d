import { defineMetric, metricConfig } from './metric.ts';
import { areaUnderRoc, rankSteps } from './shared/ranking.ts';
import { averageOverClasses, averageOverPairs, noteOfAbsent, RANK_AVERAGE_SCHEMA } from './shared/one-against-rest.ts';
import { scored } from './shared/states.ts';
import type { RankAverageConfig } from './shared/one-against-rest.ts';
import type { ClassChunk } from './metric.ts';
import type { ScoreState } from './shared/states.ts';

/** Area under the ROC curve: chance that a row of the class is scored above another row. */
export default defineMetric<RankAverageConfig & { readonly multiClass?: 'oneVersusRest' | 'oneVersusOne' }, ScoreState, ClassChunk>({
  name: 'rocAuc',
  aliases: ['auc', 'auroc', 'aucRoc', 'rocAucScore'],
  summary: 'Area under the ROC curve: chance that a row of the class is scored above another row.',
  tasks: ['classification'],
  direction: 'maximize',
  range: [0, 1],
  configSchema: metricConfig({
    average: RANK_AVERAGE_SCHEMA,
    multiClass: {
      enum: ['oneVersusRest', 'oneVersusOne'],
      description:
        'With more than two classes: each against all others, or the mean over all pairs of classes, which their sizes do not sway ("weighted": by the rows of a pair). Default: "oneVersusRest".',
      examples: ['oneVersusOne'],
    },
  }),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.roc_auc_score.html',
  ...scored,
  note: noteOfAbsent,
  result: (state, config, context) =>
    (config.multiClass === 'oneVersusOne' ? averageOverPairs : averageOverClasses)('rocAuc', state, config, context, (...ranked) =>
      areaUnderRoc(rankSteps(...ranked)),
    ),
});
