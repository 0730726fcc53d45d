import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import { confusion, totalsOf } from './shared/states.ts';

/** Agreement of true and predicted class beyond what chance gives. */
export default defineMetric({
  name: 'cohenKappa',
  aliases: ['kappa', 'cohenKappaScore'],
  summary: 'Agreement of true and predicted class beyond what chance gives.',
  tasks: ['classification'],
  direction: 'maximize',
  range: [-1, 1],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.cohen_kappa_score.html',
  ...confusion,
  result(state) {
    const { correct, rows, support, predicted } = totalsOf(state, 'cohenKappa');
    let byChance = 0;
    support.forEach((count, index) => (byChance += (count / rows) * (predicted[index]! / rows)));
    if (byChance === 1)
      throw undefinedMetric(
        'cohenKappa',
        `all ${rows} rows have the same class and are predicted as it, so that chance agrees as well`,
        'Ask for "accuracy", or use a larger or stratified test split.',
      );
    return (correct / rows - byChance) / (1 - byChance);
  },
});
