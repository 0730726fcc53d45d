import type { Direction, TrialRecord } from '../../trial.ts';

/** What trials have come to, all to be minimised. */
export interface Outcomes {
  /** Completed, in the order of their numbers; one loss for each objective. */
  readonly completed: readonly Completed[];
  /** Ended early, with the loss of the first objective at their last epoch. */
  readonly stopped: readonly { readonly trial: TrialRecord; readonly epoch: number; readonly loss: number }[];
  /** Failed, completed without a number, or stopped before the first. */
  readonly failed: readonly TrialRecord[];
  readonly running: readonly TrialRecord[];
}

export interface Completed {
  readonly trial: TrialRecord;
  readonly losses: readonly number[];
}

export function outcomes(trials: readonly TrialRecord[], directions: readonly Direction[]): Outcomes {
  const signs = directions.map((direction) => (direction === 'minimize' ? 1 : -1));
  const completed: Completed[] = [];
  const stopped: Outcomes['stopped'][number][] = [];
  const failed: TrialRecord[] = [];
  const running: TrialRecord[] = [];
  for (const trial of [...trials].sort((a, b) => a.number - b.number)) {
    const last = trial.readings.at(-1);
    if (trial.state === 'running') running.push(trial);
    else if (trial.state === 'completed' && trial.values?.length === signs.length && trial.values.every(Number.isFinite))
      completed.push({ trial, losses: trial.values.map((value, at) => value * signs[at]!) });
    else if (trial.state === 'stopped' && last !== undefined && Number.isFinite(last.value))
      stopped.push({ trial, epoch: last.epoch, loss: last.value * signs[0]! });
    else failed.push(trial);
  }
  return { completed, stopped, failed, running };
}
