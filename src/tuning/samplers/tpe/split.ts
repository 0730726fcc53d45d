import { coveringSubset, dominationRanks } from '../../pareto.ts';
import type { TrialRecord } from '../../trial.ts';
import type { Completed, Outcomes } from '../shared/outcomes.ts';

/** Trials to be like, and trials to be unlike, each in the order of their numbers. */
export interface Split {
  readonly good: readonly TrialRecord[];
  readonly bad: readonly TrialRecord[];
}

/**
 * The best `count` trials against all others: completed ones by their losses, then those that were ended early, the later the better.
 * What failed and what still runs is among the others, so that it is not tried again before it is known better.
 */
export function split({ completed, stopped, failed, running }: Outcomes, objectives: number, count: number): Split {
  const order = objectives === 1 ? byLoss(completed) : byDomination(completed, count);
  const early = [...stopped].sort((a, b) => b.epoch - a.epoch || a.loss - b.loss).map(({ trial }) => trial);
  const all = [...order, ...early];
  const byNumber = (a: TrialRecord, b: TrialRecord): number => a.number - b.number;
  return { good: all.slice(0, count).sort(byNumber), bad: [...all.slice(count), ...failed, ...running].sort(byNumber) };
}

function byLoss(completed: readonly Completed[]): TrialRecord[] {
  return [...completed].sort((a, b) => a.losses[0]! - b.losses[0]!).map(({ trial }) => trial);
}

/** Fronts one after the other; of the one that is cut, those that cover most. */
function byDomination(completed: readonly Completed[], count: number): TrialRecord[] {
  const ranks = dominationRanks(
    completed.map(({ losses }) => losses),
    count,
  );
  const order: Completed[] = [];
  for (let rank = 0; order.length < completed.length; rank += 1) {
    const front = completed.filter((_, at) => ranks[at] === rank);
    const room = count - order.length;
    if (room > 0 && room < front.length) {
      const losses = front.map((each) => each.losses);
      const chosen = new Set(coveringSubset(losses, referenceOf(losses), room));
      order.push(...front.filter((_, at) => chosen.has(at)), ...front.filter((_, at) => !chosen.has(at)));
    } else order.push(...front);
  }
  return order.map(({ trial }) => trial);
}

/** A little worse than the worst of every objective. */
function referenceOf(losses: readonly (readonly number[])[]): number[] {
  return losses[0]!.map((_, at) => {
    const worst = Math.max(...losses.map((loss) => loss[at]!));
    return worst === 0 ? 1e-12 : Math.max(1.1 * worst, 0.9 * worst);
  });
}
