import type { CategorySample, FeatureSample } from './drift-test.ts';

/** Counts of both samples in the same bins. */
export interface BinnedPair {
  readonly labels: readonly string[];
  readonly reference: Float64Array;
  readonly current: Float64Array;
}

/** Ten bins are the convention that the thresholds of PSI rest on. */
export const QUANTILE_BINS = 10;

/**
 * Both samples in the bins of the reference: its deciles for numbers (each distinct value where there are at most ten, so that codes
 * and flags are compared exactly), its values for categories. What the reference never had falls into a bin of its own.
 */
export function binPair(reference: FeatureSample, current: FeatureSample): BinnedPair {
  if (reference.kind === 'category' && current.kind === 'category') return binCategories(reference, current);
  if (reference.kind !== 'number' || current.kind !== 'number') throw new TypeError('binPair: samples of two kinds');
  const distinct = distinctUpTo(reference.values, QUANTILE_BINS);
  if (distinct !== undefined) return binCategories(asCategories(reference.values, distinct), asCategories(current.values, distinct));
  const cuts = quantileCuts(reference.values);
  return {
    labels: cutLabels(cuts),
    reference: countBetween(reference.values, cuts),
    current: countBetween(current.values, cuts),
  };
}

/** Inner cut points at the deciles of ascending values; equal ones once. */
export function quantileCuts(values: Float64Array, bins = QUANTILE_BINS): number[] {
  const cuts: number[] = [];
  for (let bin = 1; bin < bins; bin++) {
    const cut = values[Math.floor((values.length * bin) / bins)]!;
    if (cut > values[0]! && cut !== cuts.at(-1)) cuts.push(cut);
  }
  return cuts;
}

/** Counts of ascending values in (-∞, cuts[0]), [cuts[0], cuts[1]), …, [cuts[last], ∞). */
export function countBetween(values: Float64Array, cuts: readonly number[]): Float64Array {
  const counts = new Float64Array(cuts.length + 1);
  let before = 0;
  cuts.forEach((cut, bin) => {
    const position = lowerBound(values, cut);
    counts[bin] = position - before;
    before = position;
  });
  counts[cuts.length] = values.length - before;
  return counts;
}

/** Number of ascending values below `limit`. */
export function lowerBound(values: Float64Array, limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Shares with half a row added to every bin (Jeffreys): an empty bin of a small sample must not look like a vanished value. */
export function smoothedShares(counts: Float64Array): Float64Array {
  const total = counts.reduce((sum, count) => sum + count, 0) + counts.length / 2;
  return counts.map((count) => (count + 0.5) / total);
}

export function shares(counts: Float64Array): Float64Array {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => count / total);
}

function binCategories(reference: CategorySample, current: CategorySample): BinnedPair {
  const names = [...reference.counts.keys()];
  let unseen = current.other;
  for (const [name, count] of current.counts) if (!reference.counts.has(name)) unseen += count;
  const rest = reference.other > 0 || unseen > 0;
  return {
    labels: rest ? [...names, '(other)'] : names,
    reference: Float64Array.from([...names.map((name) => reference.counts.get(name)!), ...(rest ? [reference.other] : [])]),
    current: Float64Array.from([...names.map((name) => current.counts.get(name) ?? 0), ...(rest ? [unseen] : [])]),
  };
}

function distinctUpTo(values: Float64Array, most: number): number[] | undefined {
  const distinct: number[] = [];
  for (const value of values) {
    if (value === distinct.at(-1)) continue;
    if (distinct.length === most) return undefined;
    distinct.push(value);
  }
  return distinct;
}

function asCategories(values: Float64Array, known: readonly number[]): CategorySample {
  const counts = new Map(known.map((value) => [String(value), 0]));
  let other = 0;
  for (const value of values) {
    const name = String(value);
    if (counts.has(name)) counts.set(name, counts.get(name)! + 1);
    else other++;
  }
  return { kind: 'category', counts, other };
}

function cutLabels(cuts: readonly number[]): string[] {
  const show = (value: number): string => String(Number(value.toPrecision(4)));
  if (cuts.length === 0) return ['all'];
  return [`< ${show(cuts[0]!)}`, ...cuts.slice(1).map((cut, index) => `${show(cuts[index]!)} – ${show(cut)}`), `≥ ${show(cuts.at(-1)!)}`];
}
