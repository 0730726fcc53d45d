import type { Prng } from '../../../core/prng.ts';
import type { TrialRecord } from '../../trial.ts';
import type { Outcomes } from '../shared/outcomes.ts';
import { warped } from './warp.ts';

export interface Observed {
  readonly trial: TrialRecord;
  readonly value: number;
}

/** More would cost more than 50 ms. */
const MOST = 100;

/**
 * What the process is told: the completed trials; those ended early, as no better than the median of the completed, since that is why
 * they were ended; and the failed, as the worst. Several objectives become one by weights that are drawn anew for every suggestion, so
 * that in time all of the front is looked for.
 *
 * @see J. Knowles: ParEGO (2006)
 */
export function observed({ completed, stopped, failed }: Outcomes, objectives: number, prng: Prng): Observed[] {
  if (completed.length === 0) return [];
  let losses: number[];
  if (objectives === 1) losses = completed.map(({ losses: [loss] }) => loss!);
  else {
    const each = Array.from({ length: objectives }, (_, at) => warped(completed.map((one) => one.losses[at]!)));
    const drawnWeights = each.map(() => -Math.log(1 - prng.uniform()));
    const sum = drawnWeights.reduce((total, weight) => total + weight, 0);
    const lowest = each.map((values) => Math.min(...values));
    losses = completed.map((_, trial) => {
      const parts = each.map((values, at) => (drawnWeights[at]! / sum) * (values[trial]! - lowest[at]!));
      return Math.max(...parts) + 0.05 * parts.reduce((total, part) => total + part, 0);
    });
  }
  const trials = completed.map(({ trial }) => trial);
  const sorted = [...losses].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  if (objectives === 1)
    for (const { trial, loss } of stopped) {
      trials.push(trial);
      losses.push(Math.max(median, loss));
    }
  const worst = Math.max(...losses);
  for (const trial of failed) {
    trials.push(trial);
    losses.push(worst);
  }
  const kept = fewer(trials, losses);
  const values = warped(kept.map(({ loss }) => loss));
  return kept.map(({ trial }, at) => ({ trial, value: values[at]! }));
}

/** The best half of what there is room for, and of the others as many, evenly from the better to the worse. */
function fewer(trials: readonly TrialRecord[], losses: readonly number[]): { trial: TrialRecord; loss: number }[] {
  const all = trials.map((trial, at) => ({ trial, loss: losses[at]! })).sort((a, b) => a.loss - b.loss || a.trial.number - b.trial.number);
  const best = MOST / 2;
  const kept =
    all.length <= MOST
      ? all
      : [
          ...all.slice(0, best),
          ...Array.from({ length: best }, (_, at) => all[best + Math.floor(((at + 0.5) * (all.length - best)) / best)]!),
        ];
  return [...kept].sort((a, b) => a.trial.number - b.trial.number);
}
