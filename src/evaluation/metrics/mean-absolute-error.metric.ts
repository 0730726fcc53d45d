import { defineMetric, metricConfig } from './metric.ts';
import { summed } from './shared/states.ts';
import type { NumberChunk } from './metric.ts';
import type { SumState } from './shared/states.ts';

/** Mean distance of the prediction from the label, in the units of the label. */
export default defineMetric<object, SumState, NumberChunk>({
  name: 'meanAbsoluteError',
  aliases: ['mae', 'l1'],
  summary: 'Mean distance of the prediction from the label, in the units of the label.',
  tasks: ['regression'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.mean_absolute_error.html',
  init: summed.init,
  update: (state, chunk) => summed.update(state, chunk, (label, prediction) => Math.abs(label - prediction)),
  merge: summed.merge,
  result: (state) => summed.result('meanAbsoluteError', state),
});
