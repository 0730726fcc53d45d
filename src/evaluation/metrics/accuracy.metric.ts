import { defineMetric, metricConfig } from './metric.ts';
import { confusion, totalsOf } from './shared/states.ts';

/** Share of rows whose class is predicted correctly. */
export default defineMetric({
  name: 'accuracy',
  aliases: ['acc', 'accuracyScore', 'categoricalAccuracy', 'binaryAccuracy', 'sparseCategoricalAccuracy'],
  summary: 'Share of rows whose class is predicted correctly.',
  tasks: ['classification'],
  direction: 'maximize',
  range: [0, 1],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.accuracy_score.html',
  ...confusion,
  result(state) {
    const { correct, rows } = totalsOf(state, 'accuracy');
    return correct / rows;
  },
});
