import { defineMetric, metricConfig } from './metric.ts';
import { confusion, noteOfAbsent, totalsOf } from './shared/states.ts';

/** Mean recall over the classes that occur. */
export default defineMetric({
  name: 'balancedAccuracy',
  aliases: ['bac', 'balancedAccuracyScore'],
  summary: 'Mean recall over the classes that occur.',
  tasks: ['classification'],
  direction: 'maximize',
  range: [0, 1],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.balanced_accuracy_score.html',
  ...confusion,
  note: noteOfAbsent,
  result(state) {
    const { hits, support } = totalsOf(state, 'balancedAccuracy');
    let total = 0;
    let present = 0;
    support.forEach((rows, index) => {
      if (rows === 0) return;
      total += hits[index]! / rows;
      present++;
    });
    return total / present;
  },
});
