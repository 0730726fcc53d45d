import { canonicalJson } from '../core/json.ts';
import type { Json } from '../core/json.ts';
import type { Space } from '../tuning/space.ts';
import type { StoredTrial } from './stored-study.ts';

/** Groups that the values of a number are cut into. */
const GROUPS = 5;
/** Trials in a group, and with a dimension, at least: of fewer nothing can be said. */
const GROUP_MIN = 3;
const TRIALS_MIN = 10;

/**
 * By how much the value of each dimension by itself decides the first objective: ε², the share of its variance between groups of equal
 * values (of numbers: groups of equal size), less what chance alone would give. 0 to 1; null: too few trials had it, or it took one value.
 *
 * @see T. L. Kelley: An unbiased correlation ratio measure (1935)
 */
export function importanceOf(space: Space, trials: readonly StoredTrial[], objective = 0): Readonly<Record<string, number | null>> {
  const scored = trials.flatMap(({ state, point, values }) =>
    state === 'completed' && values?.[objective] !== undefined ? [{ point, score: values[objective] }] : [],
  );
  return Object.fromEntries(
    Object.entries(space).map(([name, dimension]) => {
      const own = scored.flatMap(({ point, score }) => (point[name] === undefined ? [] : [{ value: point[name], score }]));
      return [name, own.length < TRIALS_MIN ? null : explained(grouped(own, dimension.kind === 'choice'))];
    }),
  );
}

interface Scored {
  readonly value: Json;
  readonly score: number;
}

function grouped(all: readonly Scored[], choice: boolean): number[][] {
  if (choice || new Set(all.map(({ value }) => value)).size <= GROUPS) {
    const groups = new Map<string, number[]>();
    for (const { value, score } of all) groups.set(canonicalJson(value), [...(groups.get(canonicalJson(value)) ?? []), score]);
    return [...groups.values()];
  }
  const sorted = [...all].sort((a, b) => (a.value as number) - (b.value as number));
  const count = Math.min(GROUPS, Math.floor(sorted.length / GROUP_MIN));
  return Array.from({ length: count }, (_, at) =>
    sorted.slice(Math.round((at * sorted.length) / count), Math.round(((at + 1) * sorted.length) / count)).map(({ score }) => score),
  );
}

function explained(groups: readonly number[][]): number | null {
  const all = groups.flat();
  const [n, k] = [all.length, groups.length];
  if (k < 2 || n <= k) return null;
  const mean = average(all);
  const total = all.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  if (total === 0) return 0;
  const within = groups.reduce((sum, group) => {
    const own = average(group);
    return sum + group.reduce((part, score) => part + (score - own) ** 2, 0);
  }, 0);
  return Math.max(0, 1 - ((n - 1) * within) / ((n - k) * total));
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
