import { defineMetric, metricConfig } from './metric.ts';
import { summed } from './shared/states.ts';
import type { NumberChunk } from './metric.ts';
import type { SumState } from './shared/states.ts';

/** Mean Poisson deviance, for counts: labels ≥ 0 and predictions > 0. */
export default defineMetric<object, SumState, NumberChunk>({
  name: 'meanPoissonDeviance',
  aliases: ['poissonDeviance'],
  summary: 'Mean Poisson deviance, for counts: labels of at least 0 and predictions above 0.',
  tasks: ['regression'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.mean_poisson_deviance.html',
  init: summed.init,
  update: (state, chunk) =>
    summed.update(state, chunk, (label, prediction) => {
      if (label < 0) return 'whose label is negative: it is for counts';
      if (prediction <= 0) return 'whose prediction is not above 0';
      return 2 * ((label === 0 ? 0 : label * Math.log(label / prediction)) - label + prediction);
    }),
  merge: summed.merge,
  result: (state) =>
    summed.result(
      'meanPoissonDeviance',
      state,
      undefined,
      'Ask for "meanSquaredError"; or, of counts, end the model with "softplus" or "exponential" and leave the label unscaled ("label": []).',
    ),
});
