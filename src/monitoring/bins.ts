import { firstAtLeast, indexAt } from '../data/table/ranks.ts';
import type { FeatureSample, NumberSample } from './drift/drift-test.ts';
import { foldCategories } from './folding.ts';
import type { FoldedPair } from './folding.ts';

/** Ten bins are the convention that the thresholds of PSI rest on. */
export const QUANTILE_BINS = 10;
/** Bins of named categories: with more, distances between samples of one distribution grow by chance alone. */
export const CATEGORY_BINS = 50;

/**
 * Both samples in the bins of the reference. Numbers: its deciles, cut at the values at the places ⌊n·k/10⌋ of its order, each bin
 * including its lower end; each value by itself where there are at most ten, so that codes and flags are compared exactly, and a bin
 * for what the reference never had. Categories: its 50 most frequent ones, the rarer ones together, and what the reference never had.
 */
export function binPair(reference: FeatureSample, current: FeatureSample): FoldedPair {
  if (reference.kind === 'category' && current.kind === 'category') return foldCategories(reference, current, CATEGORY_BINS);
  if (reference.kind !== 'number' || current.kind !== 'number') throw new TypeError('binPair: samples of two kinds');
  const { values, complete } = reference.ranks();
  if (complete && values.length <= QUANTILE_BINS) return binValues(values, reference, current);
  const cuts = quantileCuts(reference);
  return { labels: cutLabels(cuts), reference: countBetween(reference, cuts), current: countBetween(current, cuts) };
}

/** Inner cut points at the deciles; equal ones once. */
export function quantileCuts(sample: NumberSample, bins = QUANTILE_BINS): number[] {
  const ranks = sample.ranks();
  const cuts: number[] = [];
  for (let bin = 1; bin < bins; bin++) {
    const cut = ranks.values[indexAt(ranks, Math.floor((ranks.size * bin) / bins))]!;
    if (cut > ranks.values[0]! && cut !== cuts.at(-1)) cuts.push(cut);
  }
  return cuts;
}

/** Counts in (-∞, cuts[0]), [cuts[0], cuts[1]), …, [cuts[last], ∞). */
export function countBetween(sample: NumberSample, cuts: readonly number[]): Float64Array {
  const ends = [...cuts.map((cut) => sample.below(cut)), sample.size];
  return Float64Array.from(ends, (end, bin) => end - (bin === 0 ? 0 : ends[bin - 1]!));
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

function binValues(values: Float64Array, reference: NumberSample, current: NumberSample): FoldedPair {
  const [then, now] = [reference, current].map((sample) => Array.from(values, (value) => countEqual(sample, value))) as [
    number[],
    number[],
  ];
  const added = current.size - now.reduce((sum, count) => sum + count, 0);
  return {
    labels: [...Array.from(values, String), ...(added > 0 ? ['(new)'] : [])],
    reference: Float64Array.from(added > 0 ? [...then, 0] : then),
    current: Float64Array.from(added > 0 ? [...now, added] : now),
  };
}

function countEqual({ partitioned, ranks }: NumberSample, value: number): number {
  if (partitioned !== undefined) return partitioned.through(value) - partitioned.below(value);
  const { values, below, through } = ranks();
  const index = firstAtLeast(values, value);
  return values[index] === value ? through[index]! - below[index]! : 0;
}

function cutLabels(cuts: readonly number[]): string[] {
  const show = (value: number): string => String(Number(value.toPrecision(4)));
  if (cuts.length === 0) return ['all'];
  return [`< ${show(cuts[0]!)}`, ...cuts.slice(1).map((cut, index) => `${show(cuts[index]!)} – ${show(cut)}`), `≥ ${show(cuts.at(-1)!)}`];
}
