import { ExactSum } from './exact-sum.ts';

/** One step of a ranking, from the highest score down: rows at or above `threshold`. Equal scores make one step. */
export interface RankStep {
  readonly threshold: number;
  readonly truePositives: number;
  readonly falsePositives: number;
}

/**
 * Cumulative counts (weights) by falling score of one class against the rest. `score(row)` is read once per row; rows of weight 0 make no
 * step.
 */
export function rankSteps(
  rows: number,
  isPositive: (row: number) => boolean,
  score: (row: number) => number,
  weight: (row: number) => number = () => 1,
): RankStep[] {
  const scores = Float64Array.from({ length: rows }, (_, row) => score(row));
  const order = Uint32Array.from({ length: rows }, (_, row) => row)
    .filter((row) => weight(row) > 0)
    .sort((a, b) => scores[b]! - scores[a]!);
  const steps: RankStep[] = [];
  let truePositives = 0;
  let falsePositives = 0;
  for (let i = 0; i < order.length; i++) {
    const row = order[i]!;
    if (isPositive(row)) truePositives += weight(row);
    else falsePositives += weight(row);
    if (i + 1 === order.length || scores[order[i + 1]!] !== scores[row])
      steps.push({ threshold: scores[row]!, truePositives, falsePositives });
  }
  return steps;
}

/** Area under the ROC curve by trapezoids; undefined where one side has no rows. */
export function areaUnderRoc(steps: readonly RankStep[]): number | undefined {
  const last = steps.at(-1);
  if (last === undefined || last.truePositives === 0 || last.falsePositives === 0) return undefined;
  let doubled = 0;
  let before: RankStep = { threshold: Infinity, truePositives: 0, falsePositives: 0 };
  for (const step of steps) {
    doubled += (step.falsePositives - before.falsePositives) * (step.truePositives + before.truePositives);
    before = step;
  }
  return doubled / (2 * last.truePositives * last.falsePositives);
}

/** Average precision: sum of precision over the steps of recall, without interpolation; undefined without positive rows. */
export function averagePrecision(steps: readonly RankStep[]): number | undefined {
  const positives = steps.at(-1)?.truePositives ?? 0;
  if (positives === 0) return undefined;
  const sum = new ExactSum();
  let before = 0;
  for (const { truePositives, falsePositives } of steps) {
    if (truePositives > before) sum.add(((truePositives - before) / positives) * (truePositives / (truePositives + falsePositives)));
    before = truePositives;
  }
  return sum.value();
}
