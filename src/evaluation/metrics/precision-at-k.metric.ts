import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import { rankSteps } from './shared/ranking.ts';
import { scored } from './shared/states.ts';
import type { ClassChunk } from './metric.ts';
import type { ScoreState } from './shared/states.ts';

/** Share of the positive class (anomalies) among the best scored rows. */
export default defineMetric<{ readonly k?: number }, ScoreState, ClassChunk>({
  name: 'precisionAtK',
  aliases: ['precisionAtN', 'rPrecision', 'topPrecision'],
  summary:
    'Share of rows of the positive class (anomalies) among the "k" that are scored highest; of equal scores at the end a part counts.',
  tasks: ['binary', 'anomaly'],
  direction: 'maximize',
  range: [0, 1],
  configSchema: metricConfig({
    k: {
      type: 'integer',
      minimum: 1,
      description: 'How many rows are looked at, e.g. as many as somebody can check in a day. Default: as many as there are of the class.',
      examples: [100],
    },
  }),
  reference: 'https://en.wikipedia.org/wiki/Evaluation_measures_(information_retrieval)#Precision_at_k',
  ...scored,
  result(state, { k }, { positive, width }) {
    const labels = state.labels.values();
    const scores = state.scores.values();
    const weights = state.weights.values();
    const steps = rankSteps(
      labels.length,
      (row) => labels[row] === positive,
      (row) => scores[row * width + positive]!,
      (row) => weights[row]!,
    );
    const last = steps.at(-1);
    const positives = last?.truePositives ?? 0;
    if (last === undefined || positives === 0 || last.falsePositives === 0)
      throw undefinedMetric(
        'precisionAtK',
        `it needs rows of both classes, and ${last === undefined ? 'the set has no rows' : `all ${labels.length} are of one`}`,
      );
    const asked = k ?? positives;
    const rows = positives + last.falsePositives;
    if (asked > rows) throw undefinedMetric('precisionAtK', `"k" is ${asked}, and the set has ${rows} rows`, 'Choose a smaller "k".');
    let before = { truePositives: 0, falsePositives: 0 };
    for (const step of steps) {
      const seen = step.truePositives + step.falsePositives;
      if (seen >= asked) {
        const inside = seen - before.truePositives - before.falsePositives;
        const part = (asked - before.truePositives - before.falsePositives) / inside;
        return (before.truePositives + part * (step.truePositives - before.truePositives)) / asked;
      }
      before = step;
    }
    throw undefinedMetric('precisionAtK', `"k" is ${asked}, and the set has ${rows} rows`, 'Choose a smaller "k".');
  },
});
