import { ExactSum } from './shared/exact-sum.ts';
import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import { requireProbabilities } from './shared/probabilities.ts';
import type { ClassChunk } from './metric.ts';

interface BinsState {
  rows: number;
  readonly count: Float64Array;
  readonly happened: Float64Array;
  readonly claimed: readonly ExactSum[];
}

/** Mean distance between the claimed and the observed frequency of the predicted class, over bins of equal width. */
export default defineMetric<{ readonly bins?: number }, BinsState, ClassChunk>({
  name: 'expectedCalibrationError',
  aliases: ['ece'],
  summary: 'Mean distance between the claimed and the observed frequency of the predicted class.',
  tasks: ['classification'],
  direction: 'minimize',
  range: [0, 1],
  configSchema: metricConfig({
    bins: { type: 'integer', minimum: 2, maximum: 1000, default: 10, description: 'Number of bins of equal width.', examples: [15] },
  }),
  reference: 'https://proceedings.mlr.press/v70/guo17a.html',
  init: (config) => {
    const bins = config.bins ?? 10;
    return {
      rows: 0,
      count: new Float64Array(bins),
      happened: new Float64Array(bins),
      claimed: Array.from({ length: bins }, () => new ExactSum()),
    };
  },
  update(state, chunk) {
    requireProbabilities('expectedCalibrationError', chunk);
    const bins = state.count.length;
    for (let row = 0; row < chunk.rows; row++) {
      const guess = chunk.predicted[row]!;
      const probability = chunk.scores[row * chunk.classes.length + guess]!;
      const bin = Math.max(0, Math.min(bins - 1, Math.floor(probability * bins)));
      const weight = chunk.weights?.[row] ?? 1;
      state.count[bin]! += weight;
      state.claimed[bin]!.add(probability * weight);
      if (chunk.labels[row] === guess) state.happened[bin]! += weight;
      state.rows += weight;
    }
  },
  merge(state, other) {
    state.rows += other.rows;
    other.count.forEach((count, bin) => (state.count[bin]! += count));
    other.happened.forEach((count, bin) => (state.happened[bin]! += count));
    other.claimed.forEach((sum, bin) => state.claimed[bin]!.merge(sum));
  },
  result(state) {
    if (state.rows === 0) throw undefinedMetric('expectedCalibrationError', 'the set has no rows, or none with a weight above 0');
    let distance = 0;
    state.claimed.forEach((sum, bin) => (distance += Math.abs(sum.value() - state.happened[bin]!)));
    return distance / state.rows;
  },
});
