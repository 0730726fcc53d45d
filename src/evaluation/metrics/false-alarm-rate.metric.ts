import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import { flagsOfNormal, gathered } from './shared/states.ts';
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
  update: (state, chunk) => state.values.push(flagsOfNormal(chunk)),
  result(state) {
    const values = state.values.values();
    if (values.length === 0) throw undefinedMetric('falseAlarmRate', 'the set has no normal rows');
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  },
});
