import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import { quantile } from './shared/quantile.ts';
import { errorsOfNormal, gathered, meanOfNormal, weightsOfNormal } from './shared/states.ts';
import type { ClassChunk, ErrorChunk } from './metric.ts';
import type { ErrorState } from './shared/states.ts';

/** How badly normal rows are rebuilt: the mean over them, or a quantile. */
export default defineMetric<{ readonly quantile?: number }, ErrorState, ClassChunk | ErrorChunk>({
  name: 'reconstructionError',
  summary: 'Error with which an autoencoder rebuilds normal rows, as its score measures it: the mean over them, or a quantile.',
  tasks: ['reconstruction'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig({
    quantile: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      description: 'This quantile over the rows in place of the mean.',
      examples: [0.95],
    },
  }),
  reference: 'https://www.deeplearningbook.org/contents/autoencoders.html',
  ...gathered,
  update(state, chunk) {
    state.values.push(errorsOfNormal(chunk));
    state.weights.push(weightsOfNormal(chunk));
  },
  result(state, config) {
    const values = state.values.values();
    if (values.length === 0) throw undefinedMetric('reconstructionError', 'the set has no normal rows');
    if (config.quantile !== undefined) return quantile(Float64Array.from(values).sort(), config.quantile);
    return meanOfNormal('reconstructionError', state);
  },
});
