import { defineMetric, metricConfig } from './metric.ts';
import { summed } from './shared/states.ts';
import type { NumberChunk } from './metric.ts';
import type { SumState } from './shared/states.ts';

const NAME = 'symmetricMeanAbsolutePercentageError';

/** Mean distance of the prediction from the label, as a share of the mean of both: 0 to 2. */
export default defineMetric<object, SumState, NumberChunk>({
  name: NAME,
  aliases: ['smape'],
  summary: 'Mean distance of the prediction from the label, as a share of half of their sizes (0 to 2). Not defined where both are 0.',
  tasks: ['regression'],
  direction: 'minimize',
  range: [0, 2],
  configSchema: metricConfig(),
  reference: 'https://en.wikipedia.org/wiki/Symmetric_mean_absolute_percentage_error',
  init: summed.init,
  update: (state, chunk) =>
    summed.update(state, chunk, (label, prediction) => {
      const size = Math.abs(label) + Math.abs(prediction);
      return size === 0 ? 'whose label and prediction are 0: a share of 0 means nothing' : (2 * Math.abs(label - prediction)) / size;
    }),
  merge: summed.merge,
  result: (state) =>
    summed.result(NAME, state, undefined, 'Ask for "meanAbsoluteError", which is in the units of the label, in its place.'),
});
