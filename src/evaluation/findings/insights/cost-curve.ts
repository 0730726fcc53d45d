import type { ClassChunk } from '../../metrics/metric.ts';
import type { Costs, Insights, ThresholdPoint } from './insight-types.ts';

const POINTS_MAX = 200;

/** What both mistakes cost at each threshold of a two-class model, and where that is least; undefined of scores that only rank. */
export function costCurve(
  { classes, labels, positive, probabilities, rows, scores }: ClassChunk,
  costs: Costs | undefined,
  used = 0.5,
): Insights['thresholds'] {
  if (classes.length !== 2 || !probabilities) return undefined;
  const weights = costs ?? { falsePositive: 1, falseNegative: 1 };
  const order = Int32Array.from(labels, (_, row) => row).sort((a, b) => scores[2 * b + positive]! - scores[2 * a + positive]!);
  const score = (at: number): number => scores[2 * order[at]! + positive]!;
  const positives = labels.reduce((count, label) => count + (label === positive ? 1 : 0), 0);
  const pointOf = (threshold: number, hits: number, alarms: number): ThresholdPoint => ({
    threshold,
    cost: (weights.falsePositive * (alarms - hits) + weights.falseNegative * (positives - hits)) / rows,
    precision: alarms === 0 ? null : hits / alarms,
    recall: positives === 0 ? null : hits / positives,
  });
  // Above the highest score nothing is positive.
  const points: ThresholdPoint[] = [pointOf(1, 0, 0)];
  let hits = 0;
  for (let at = 0; at < rows; at++) {
    if (labels[order[at]!] === positive) hits++;
    if (at + 1 < rows && score(at + 1) === score(at)) continue;
    // Between two scores: it decides the same for rows that are a little different.
    points.push(pointOf(at + 1 < rows ? (score(at) + score(at + 1)) / 2 : 0, hits, at + 1));
  }
  // Of the cheapest the one in the widest gap: it is the least sure to be chance.
  const least = Math.min(...points.map(({ cost }) => cost));
  const gap = (index: number): number => (points[index - 1]?.threshold ?? 1) - (points[index + 1]?.threshold ?? 0);
  const best = points
    .map((point, index) => ({ point, index }))
    .filter(({ point }) => point.cost === least)
    .reduce((one, other) => (gap(other.index) > gap(one.index) ? other : one)).point;
  let [usedHits, usedAlarms] = [0, 0];
  for (let at = 0; at < rows && score(at) > used; at++) {
    usedAlarms++;
    if (labels[order[at]!] === positive) usedHits++;
  }
  const every = Math.max(1, Math.ceil(points.length / POINTS_MAX));
  return {
    positive: classes[positive]!,
    costs: weights,
    declared: costs !== undefined,
    points: points.filter((_, index) => index % every === 0 || index === points.length - 1),
    best,
    used: pointOf(used, usedHits, usedAlarms),
  };
}
