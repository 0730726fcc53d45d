import type { JsonObject } from '../../../core/json.ts';
import { undefinedMetric } from '../../metric.ts';
import type { MetricContext } from '../../metric.ts';
import type { ScoreState } from './states.ts';

export interface RankAverageConfig {
  readonly average?: 'macro' | 'weighted';
}

export const RANK_AVERAGE_SCHEMA: JsonObject = {
  enum: ['macro', 'weighted'],
  default: 'macro',
  description: 'With more than two classes each is taken against the rest: the plain mean over the classes, or weighted by their rows. Two classes: the positive class alone.',
  examples: ['weighted'],
};

type CurveArea = (rows: number, isPositive: (row: number) => boolean, score: (row: number) => number) => number | undefined;

/** Area of the positive class (two classes), or of each class against the rest, averaged. @throws undefinedMetric */
export function averageOverClasses(metric: string, state: ScoreState, config: RankAverageConfig, context: MetricContext, area: CurveArea): number {
  const labels = state.labels.values();
  const scores = state.scores.values();
  const { classes, width } = context;
  if (labels.length === 0) throw undefinedMetric(metric, 'the set has no rows');
  const areaOf = (index: number): number => {
    const value = area(labels.length, (row) => labels[row] === index, (row) => scores[row * width + index]!);
    if (value !== undefined) return value;
    const present = classes.filter((_, other) => labels.includes(other));
    throw undefinedMetric(metric, `it needs rows of ${JSON.stringify(classes[index])} and of another class, and the set holds ${present.map((name) => JSON.stringify(name)).join(', ')} only`);
  };
  if (classes.length === 2) return areaOf(context.positive);
  let total = 0;
  let weights = 0;
  for (let index = 0; index < classes.length; index++) {
    const rows = labels.reduce((count, label) => count + (label === index ? 1 : 0), 0);
    const weight = config.average === 'weighted' ? rows : 1;
    total += areaOf(index) * weight;
    weights += weight;
  }
  return total / weights;
}
