/**
 * What is known of the order of many numbers: some of their values, each with the exact number of values below it and up to it. Where
 * every distinct value is kept, that is the whole distribution; where only some are, nothing is guessed between them.
 */
export interface Ranks {
  /** Ascending, each once. */
  readonly values: Float64Array;
  /** Numbers of values smaller than `values[i]`. */
  readonly below: Float64Array;
  /** Numbers of values up to `values[i]`. */
  readonly through: Float64Array;
  /** Number of all values, with repetitions. */
  readonly size: number;
  /** true: every distinct value is in `values`. */
  readonly complete: boolean;
}

/** @param sorted ascending, with repetitions */
export function ranksOf(sorted: Float64Array): Ranks {
  const values = new Float64Array(sorted.length);
  const counts = new Float64Array(sorted.length + 1);
  let kept = 0;
  for (let at = 0; at < sorted.length; at++) {
    const value = sorted[at]!;
    if (kept === 0 || value !== values[kept - 1]) values[kept++] = value;
    counts[kept] = at + 1;
  }
  return {
    values: values.subarray(0, kept),
    below: counts.subarray(0, kept),
    through: counts.subarray(1, kept + 1),
    size: sorted.length,
    complete: true,
  };
}

/** From how often each distinct value occurs. */
export function ranksOfCounts(values: Float64Array, counts: Float64Array): Ranks {
  const ends = new Float64Array(values.length + 1);
  counts.forEach((count, index) => (ends[index + 1] = ends[index]! + count));
  return { values, below: ends.subarray(0, values.length), through: ends.subarray(1), size: ends.at(-1)!, complete: true };
}

/**
 * At most `most` of the values: all of them where they are no more, else those at evenly spaced places in the order, the ends
 * included. Their numbers stay exact.
 */
export function thinned(ranks: Ranks, most: number): Ranks {
  if (ranks.values.length <= most) return ranks;
  const chosen: number[] = [];
  for (let step = 0; step < most; step++) {
    const index = indexAt(ranks, Math.floor((step * (ranks.size - 1)) / (most - 1)));
    if (index !== chosen.at(-1)) chosen.push(index);
  }
  const pick = (from: Float64Array): Float64Array => Float64Array.from(chosen, (index) => from[index]!);
  return { values: pick(ranks.values), below: pick(ranks.below), through: pick(ranks.through), size: ranks.size, complete: false };
}

/** Index of the first value that is at or above `limit`. */
export function firstAtLeast(values: Float64Array, limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the value at a place of the order, counted from 0; where it is not kept, of the next that is. */
export function indexAt({ values, through }: Ranks, place: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (through[middle]! <= place) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of the values as a population (divisor n). Of incomplete ranks an approximation: what is not kept counts as the next that is. */
export function deviationOf({ values, through, size }: Ranks): number {
  const weight = (index: number): number => (through[index]! - (index === 0 ? 0 : through[index - 1]!)) / size;
  let mean = 0;
  for (let index = 0; index < values.length; index++) mean += weight(index) * values[index]!;
  let square = 0;
  for (let index = 0; index < values.length; index++) square += weight(index) * (values[index]! - mean) ** 2;
  return Math.sqrt(square);
}
