import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import { confusion, totalsOf } from './shared/states.ts';

/**
 * Matthews correlation of true and predicted class; 0 where one class is predicted throughout, not defined where the rows are of one
 * class.
 */
export default defineMetric({
  name: 'matthews',
  aliases: ['mcc', 'matthewsCorrcoef', 'phi'],
  summary:
    'Matthews correlation of true and predicted class; 0 where one class is predicted throughout, not defined where all rows are of one class.',
  tasks: ['classification'],
  direction: 'maximize',
  range: [-1, 1],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.matthews_corrcoef.html',
  ...confusion,
  result(state, _config, context) {
    const { correct, rows, support, predicted } = totalsOf(state, 'matthews');
    let both = 0;
    let truths = 0;
    let guesses = 0;
    support.forEach((count, index) => {
      both += count * predicted[index]!;
      truths += count ** 2;
      guesses += predicted[index]! ** 2;
    });
    if (truths === rows ** 2)
      throw undefinedMetric(
        'matthews',
        `all ${rows} rows are of the class ${JSON.stringify(context.classes[support.findIndex((count) => count > 0)])}, and with a constant nothing correlates`,
        'Ask for "accuracy", or use a larger or stratified test split.',
      );
    const spread = (rows ** 2 - guesses) * (rows ** 2 - truths);
    return spread === 0 ? 0 : (correct * rows - both) / Math.sqrt(spread);
  },
});
