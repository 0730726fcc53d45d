import { defineMetric, metricConfig } from './metric.ts';
import { flagsOfNormal, gathered, meanOfNormal, weightsOfNormal } from './shared/states.ts';
import type { ClassChunk, ErrorChunk } from './metric.ts';
import type { ErrorState } from './shared/states.ts';

/** Share of the normal rows whose score is above the threshold. */
export default defineMetric<object, ErrorState, ClassChunk | ErrorChunk>({
  name: 'falseAlarmRate',
  aliases: ['fpr', 'falsePositiveRate'],
  summary: 'Share of the normal rows whose score is above the threshold; of all rows where nobody says which are normal.',
  tasks: ['reconstruction'],
  direction: 'minimize',
  range: [0, 1],
  configSchema: metricConfig(),
  reference: 'https://en.wikipedia.org/wiki/False_positive_rate',
  ...gathered,
  update(state, chunk) {
    state.values.push(flagsOfNormal(chunk));
    state.weights.push(weightsOfNormal(chunk));
  },
  result: (state) => meanOfNormal('falseAlarmRate', state),
});
