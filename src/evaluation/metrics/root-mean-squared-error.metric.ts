import { defineMetric, metricConfig } from './metric.ts';
import { summed } from './shared/states.ts';
import type { NumberChunk } from './metric.ts';
import type { SumState } from './shared/states.ts';

/** Square root of the mean squared error, in the units of the label. */
export default defineMetric<object, SumState, NumberChunk>({
  name: 'rootMeanSquaredError',
  aliases: ['rmse', 'rootMeanSquareError'],
  summary: 'Square root of the mean squared error, in the units of the label.',
  tasks: ['regression'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.root_mean_squared_error.html',
  init: summed.init,
  update: (state, chunk) => summed.update(state, chunk, (label, prediction) => (label - prediction) ** 2),
  merge: summed.merge,
  result: (state) => summed.result('rootMeanSquaredError', state, Math.sqrt),
});
