import type { Direction, TrialRecord } from '../../trial.ts';

/**
 * Epochs at which trials are compared: `first`, and on from there each `factor` times the one before, as long as who goes on has `factor`
 * times the epochs before it: shortly before the end there is nothing to be saved, and most of what could win would be lost.
 */
export function rungs(first: number, factor: number, epochs: number): number[] {
  const found: number[] = [];
  for (let epoch = first; epoch * factor <= epochs; epoch *= factor) found.push(epoch);
  return found;
}

/** The value of a trial when it came to an epoch; undefined: it has not. One whose training ended by itself before stays what it was. */
export function valueAt({ readings, state }: TrialRecord, epoch: number): number | undefined {
  const last = readings.at(-1);
  if (last === undefined || (last.epoch < epoch && state !== 'completed')) return undefined;
  // What reads its numbers every few epochs only has those of the epoch before.
  return readings.filter((reading) => reading.epoch <= epoch).at(-1)?.value;
}

/**
 * Does a value belong to the best share of those that came so far, 1 in `factor`? While there are fewer than `factor`, only the best does.
 * What is no number never does.
 */
export function promoted(value: number, others: readonly number[], factor: number, direction: Direction): boolean {
  if (Number.isNaN(value)) return false;
  const sign = direction === 'minimize' ? 1 : -1;
  const room = Math.max(1, Math.floor((others.length + 1) / factor));
  return others.filter((other) => other * sign < value * sign).length < room;
}

/** The values of others when they came to an epoch. */
export function valuesAt(others: readonly TrialRecord[], epoch: number): number[] {
  return others.map((other) => valueAt(other, epoch)).filter((value) => value !== undefined && !Number.isNaN(value)) as number[];
}
