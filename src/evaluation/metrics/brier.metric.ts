import { ExactSum } from './shared/exact-sum.ts';
import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import { requireProbabilities } from './shared/probabilities.ts';
import type { ClassChunk } from './metric.ts';

/**
 * Mean squared distance of the predicted probabilities from what happened. Two classes: of the positive class alone, 0 to 1; more:
 * summed over the classes, 0 to 2.
 */
export default defineMetric<object, { readonly weight: ExactSum; readonly sum: ExactSum }, ClassChunk>({
  name: 'brier',
  aliases: ['brierScore', 'brierScoreLoss'],
  summary:
    'Mean squared distance of the predicted probabilities from what happened (two classes: 0 to 1; more: summed over the classes, 0 to 2).',
  tasks: ['classification'],
  direction: 'minimize',
  range: [0, 2],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.brier_score_loss.html',
  init: () => ({ weight: new ExactSum(), sum: new ExactSum() }),
  update(state, chunk) {
    requireProbabilities('brier', chunk);
    const width = chunk.classes.length;
    const columns = width === 2 ? [chunk.positive] : chunk.classes.keys();
    for (const column of columns) {
      for (let row = 0; row < chunk.rows; row++) {
        const happened = chunk.labels[row] === column ? 1 : 0;
        state.sum.add((chunk.scores[row * width + column]! - happened) ** 2 * (chunk.weights?.[row] ?? 1));
      }
    }
    for (let row = 0; row < chunk.rows; row++) state.weight.add(chunk.weights?.[row] ?? 1);
  },
  merge(state, other) {
    state.weight.merge(other.weight);
    state.sum.merge(other.sum);
  },
  result(state) {
    const weight = state.weight.value();
    if (weight === 0) throw undefinedMetric('brier', 'the set has no rows, or none with a weight above 0');
    return state.sum.value() / weight;
  },
});
