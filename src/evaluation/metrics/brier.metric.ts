import { ExactSum } from './shared/exact-sum.ts';
import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import { requireProbabilities } from './shared/probabilities.ts';
import type { ClassChunk } from './metric.ts';

/**
 * Mean squared distance of the predicted probabilities from what happened. Two classes: of the positive class alone, 0 to 1; more:
 * summed over the classes, 0 to 2.
 */
export default defineMetric<object, { rows: number; sum: ExactSum }, ClassChunk>({
  name: 'brier',
  aliases: ['brierScore', 'brierScoreLoss'],
  summary:
    'Mean squared distance of the predicted probabilities from what happened (two classes: 0 to 1; more: summed over the classes, 0 to 2).',
  tasks: ['classification'],
  direction: 'minimize',
  range: [0, 2],
  configSchema: metricConfig(),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.brier_score_loss.html',
  init: () => ({ rows: 0, sum: new ExactSum() }),
  update(state, chunk) {
    requireProbabilities('brier', chunk);
    const width = chunk.classes.length;
    const columns = width === 2 ? [chunk.positive] : chunk.classes.keys();
    for (const column of columns) {
      for (let row = 0; row < chunk.rows; row++) {
        const happened = chunk.labels[row] === column ? 1 : 0;
        state.sum.add((chunk.scores[row * width + column]! - happened) ** 2);
      }
    }
    state.rows += chunk.rows;
  },
  merge(state, other) {
    state.rows += other.rows;
    state.sum.merge(other.sum);
  },
  result(state) {
    if (state.rows === 0) throw undefinedMetric('brier', 'the set has no rows');
    return state.sum.value() / state.rows;
  },
});
