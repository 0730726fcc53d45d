import type { JsonObject } from '../../../core/json.ts';
import { undefinedMetric } from '../metric.ts';
import { absentClasses } from './states.ts';
import type { MetricContext } from '../metric.ts';
import type { ScoreState } from './states.ts';

export interface RankAverageConfig {
  readonly average?: 'macro' | 'weighted';
}

export const RANK_AVERAGE_SCHEMA: JsonObject = {
  enum: ['macro', 'weighted'],
  default: 'macro',
  description:
    'With more than two classes each is taken against the rest: the plain mean over the classes that have rows, or weighted by their rows. Two classes: the positive class alone.',
  examples: ['weighted'],
};

function rowsOfClasses(state: ScoreState, { classes }: MetricContext): number[] {
  const counts = classes.map(() => 0);
  const weights = state.weights.values();
  for (const [row, label] of state.labels.values().entries()) counts[label]! += weights[row]!;
  return counts;
}

/** Which of more than two classes have no rows and take no part, in a sentence. */
export function noteOfAbsent(state: ScoreState, _config: unknown, context: MetricContext): string | undefined {
  return absentClasses(rowsOfClasses(state, context), context);
}

type CurveArea = (
  rows: number,
  isPositive: (row: number) => boolean,
  score: (row: number) => number,
  weight: (row: number) => number,
) => number | undefined;

/**
 * Area of the positive class (two classes), or of each class that has rows against the rest, averaged: of a class without rows nothing
 * can be ranked. {@link absentClasses} says which those are.
 *
 * @throws undefinedMetric where the rows are of one class
 */
export function averageOverClasses(
  metric: string,
  state: ScoreState,
  config: RankAverageConfig,
  context: MetricContext,
  area: CurveArea,
): number {
  const labels = state.labels.values();
  const scores = state.scores.values();
  const weightOf = state.weights.values();
  const { classes, width } = context;
  if (labels.length === 0) throw undefinedMetric(metric, 'the set has no rows');
  const areaOf = (index: number): number => {
    const value = area(
      labels.length,
      (row) => labels[row] === index,
      (row) => scores[row * width + index]!,
      (row) => weightOf[row]!,
    );
    if (value !== undefined) return value;
    const present = classes.filter((_, other) => labels.includes(other));
    throw undefinedMetric(
      metric,
      `it needs rows of ${JSON.stringify(classes[index])} and of another class, and the set holds ${present.map((name) => JSON.stringify(name)).join(', ')} only`,
    );
  };
  if (classes.length === 2) return areaOf(context.positive);
  let total = 0;
  let weights = 0;
  const counts = rowsOfClasses(state, context);
  const present = counts.flatMap((rows, at) => (rows === 0 ? [] : [at]));
  if (present.length === 1)
    throw undefinedMetric(metric, `it needs rows of two classes, and the set holds ${JSON.stringify(classes[present[0]!])} only`);
  for (const index of present) {
    const weight = config.average === 'weighted' ? counts[index]! : 1;
    total += areaOf(index) * weight;
    weights += weight;
  }
  return total / weights;
}

/**
 * Mean over all pairs of classes that have rows: of each pair the mean of both areas, on the rows of the pair alone.
 *
 * @see Hand and Till, "A Simple Generalisation of the Area Under the ROC Curve for Multiple Class Classification Problems" (2001)
 * @throws undefinedMetric where the rows are of one class
 */
export function averageOverPairs(
  metric: string,
  state: ScoreState,
  config: RankAverageConfig,
  context: MetricContext,
  area: CurveArea,
): number {
  const counts = rowsOfClasses(state, context);
  const present = counts.flatMap((rows, at) => (rows === 0 ? [] : [at]));
  if (context.classes.length === 2 || present.length < 2) return averageOverClasses(metric, state, config, context, area);
  const [labels, scores, weights] = [state.labels.values(), state.scores.values(), state.weights.values()];
  const { width } = context;
  let total = 0;
  let all = 0;
  for (const [at, one] of present.entries())
    for (const other of present.slice(at + 1)) {
      const rows = Uint32Array.from(labels.keys()).filter((row) => labels[row] === one || labels[row] === other);
      const against = (positive: number): number =>
        area(
          rows.length,
          (row) => labels[rows[row]!] === positive,
          (row) => scores[rows[row]! * width + positive]!,
          (row) => weights[rows[row]!]!,
        )!;
      const weight = config.average === 'weighted' ? counts[one]! + counts[other]! : 1;
      total += ((against(one) + against(other)) / 2) * weight;
      all += weight;
    }
  return total / all;
}
