import { defineMetric, metricConfig } from './metric.ts';
import { paired } from './shared/states.ts';
import type { NumberChunk } from './metric.ts';
import type { PairState } from './shared/states.ts';

/** Largest distance of a prediction from its label. */
export default defineMetric<object, PairState, NumberChunk>({
  name: 'maxError',
  aliases: ['maximumError'],
  summary: 'Largest distance of a prediction from its label.',
  tasks: ['regression'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.max_error.html',
  ...paired,
  result: (state, _config, context) =>
    paired.result('maxError', state, context.width, (labels, predictions, weights) => {
      return labels.reduce(
        (largest, label, row) => (weights[row] === 0 ? largest : Math.max(largest, Math.abs(label - predictions[row]!))),
        0,
      );
    }),
});
