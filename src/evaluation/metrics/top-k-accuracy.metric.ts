import { PerennialError } from '../../core/errors.ts';
import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import type { ClassChunk } from './metric.ts';

/** Share of rows whose class is among the k best scored; of equal scores the class that sorts first counts as better. */
export default defineMetric<{ readonly k?: number }, { rows: number; hits: number }, ClassChunk>({
  name: 'topKAccuracy',
  aliases: ['topK', 'topKCategoricalAccuracy', 'topKAccuracyScore'],
  summary: 'Share of rows whose class is among the k best scored.',
  tasks: ['classification'],
  direction: 'maximize',
  range: [0, 1],
  configSchema: metricConfig({
    k: { type: 'integer', minimum: 1, default: 2, description: 'How many guesses count. Less than the number of classes.', examples: [3] },
  }),
  reference: 'https://scikit-learn.org/stable/modules/generated/sklearn.metrics.top_k_accuracy_score.html',
  init(config, context) {
    const k = config.k ?? 2;
    if (k >= context.classes.length) {
      throw new PerennialError(
        'CONFIG_INVALID',
        `topKAccuracy with k = ${k} is always 1: the label has ${context.classes.length} classes.`,
        { hint: 'Choose a smaller "k", or use accuracy.' },
      );
    }
    return { rows: 0, hits: 0 };
  },
  update(state, chunk, config) {
    const width = chunk.classes.length;
    const k = config.k ?? 2;
    for (let row = 0; row < chunk.rows; row++) {
      const own = chunk.labels[row]!;
      const score = chunk.scores[row * width + own]!;
      let better = 0;
      for (let other = 0; other < width; other++) {
        const rival = chunk.scores[row * width + other]!;
        if (rival > score || (rival === score && other < own)) better++;
      }
      const weight = chunk.weights?.[row] ?? 1;
      if (better < k) state.hits += weight;
      state.rows += weight;
    }
  },
  merge(state, other) {
    state.rows += other.rows;
    state.hits += other.hits;
  },
  result(state) {
    if (state.rows === 0) throw undefinedMetric('topKAccuracy', 'the set has no rows, or none with a weight above 0');
    return state.hits / state.rows;
  },
});
