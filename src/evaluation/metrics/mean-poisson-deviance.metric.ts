import { defineMetric, metricConfig, undefinedMetric } from '../metric.ts';
import { summed } from './shared/states.ts';
import type { NumberChunk } from '../metric.ts';
import type { SumState } from './shared/states.ts';

/** Mean Poisson deviance, for counts: labels ≥ 0 and predictions > 0. */
export default defineMetric<object, SumState, NumberChunk>({
  name: 'meanPoissonDeviance',
  summary: 'Mean Poisson deviance, for counts: labels of at least 0 and predictions above 0.',
  tasks: ['regression'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.mean_poisson_deviance.html',
  init: summed.init,
  update: (state, chunk) =>
    summed.update(state, chunk, (label, prediction) => {
      if (label < 0) throw undefinedMetric('meanPoissonDeviance', `a label is negative (${label})`, 'Use it for counts only.');
      if (prediction <= 0) throw undefinedMetric('meanPoissonDeviance', `a prediction is not above 0 (${prediction})`, 'End the model with "softplus" or "exponential".');
      return 2 * ((label === 0 ? 0 : label * Math.log(label / prediction)) - label + prediction);
    }),
  merge: summed.merge,
  result: (state) => summed.result('meanPoissonDeviance', state),
});
