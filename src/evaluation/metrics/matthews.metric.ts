import { defineMetric, metricConfig } from '../metric.ts';
import { confusion, totalsOf } from './shared/states.ts';

/** Matthews correlation of true and predicted class; 0 where either is constant. */
export default defineMetric({
  name: 'matthews',
  summary: 'Matthews correlation of true and predicted class; 0 where either is constant.',
  tasks: ['classification'],
  direction: 'maximize',
  range: [-1, 1],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.matthews_corrcoef.html',
  ...confusion,
  result(state) {
    const { correct, rows, support, predicted } = totalsOf(state, 'matthews');
    let both = 0;
    let truths = 0;
    let guesses = 0;
    support.forEach((count, index) => {
      both += count * predicted[index]!;
      truths += count ** 2;
      guesses += predicted[index]! ** 2;
    });
    const spread = (rows ** 2 - guesses) * (rows ** 2 - truths);
    return spread === 0 ? 0 : (correct * rows - both) / Math.sqrt(spread);
  },
});
