import { ExactSum } from './shared/exact-sum.ts';
import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import { requireProbabilities } from './shared/probabilities.ts';
import type { ClassChunk } from './metric.ts';

/** Probabilities are float32 numbers: below this distance from 0 a probability says no more than "never". */
const EPSILON = 2 ** -23;

/** Mean negative logarithm of the probability given to the true class; probabilities are clipped to [2^-23, 1 - 2^-23]. */
export default defineMetric<object, { readonly weight: ExactSum; readonly sum: ExactSum }, ClassChunk>({
  name: 'logLoss',
  aliases: ['crossEntropy', 'nll', 'negativeLogLikelihood'],
  summary: 'Mean negative logarithm of the probability given to the true class (clipped at 2^-23).',
  tasks: ['classification'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.log_loss.html',
  init: () => ({ weight: new ExactSum(), sum: new ExactSum() }),
  update(state, chunk) {
    requireProbabilities('logLoss', chunk);
    const width = chunk.classes.length;
    for (let row = 0; row < chunk.rows; row++) {
      const probability = chunk.scores[row * width + chunk.labels[row]!]!;
      state.sum.add(-Math.log(Math.min(1 - EPSILON, Math.max(EPSILON, probability))) * (chunk.weights?.[row] ?? 1));
    }
    for (let row = 0; row < chunk.rows; row++) state.weight.add(chunk.weights?.[row] ?? 1);
  },
  merge(state, other) {
    state.weight.merge(other.weight);
    state.sum.merge(other.sum);
  },
  result(state) {
    const weight = state.weight.value();
    if (weight === 0) throw undefinedMetric('logLoss', 'the set has no rows, or none with a weight above 0');
    return state.sum.value() / weight;
  },
});
