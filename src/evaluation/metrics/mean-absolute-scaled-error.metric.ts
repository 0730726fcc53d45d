import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import { summed } from './shared/states.ts';
import type { NumberChunk } from './metric.ts';
import type { SumState } from './shared/states.ts';

const NAME = 'meanAbsoluteScaledError';
const INSTEAD = 'Ask for "meanAbsoluteError" in its place.';

interface ScaledState {
  readonly errors: SumState;
  naiveError: number | undefined;
}

/** Mean absolute error, in units of that of the naive forecast on the training rows. */
export default defineMetric<object, ScaledState, NumberChunk>({
  name: NAME,
  aliases: ['mase'],
  summary:
    'Of a sequence of one number: the mean absolute error, divided by that of the naive forecast ("baseline") on the training rows. Below 1: better than that.',
  tasks: ['regression'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig(),
  reference: 'https://robjhyndman.com/papers/mase.pdf',
  init: (config, context) => ({ errors: summed.init(config, context), naiveError: undefined }),
  update(state, chunk) {
    summed.update(state.errors, chunk, (label, prediction) => Math.abs(label - prediction));
    state.naiveError = chunk.naiveError;
  },
  merge(state, other) {
    summed.merge(state.errors, other.errors);
    state.naiveError ??= other.naiveError;
  },
  result({ errors, naiveError }) {
    const error = summed.result(NAME, errors);
    if (naiveError === undefined)
      throw undefinedMetric(NAME, 'there is no naive forecast of the training rows: it is for sequences of one number', INSTEAD);
    if (naiveError === 0)
      throw undefinedMetric(NAME, 'the naive forecast makes no error on the training rows, which all labels are compared with', INSTEAD);
    return error / naiveError;
  },
});
