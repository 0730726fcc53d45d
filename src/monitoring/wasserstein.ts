import { deviationOf } from '../data/table/ranks.ts';
import type { Ranks } from '../data/table/ranks.ts';
import type { NumberSample } from './drift/drift-test.ts';

/**
 * Area between the two distribution functions (first Wasserstein distance), in the units of the values: exact where each side has all
 * its values; between values that are kept of many a distribution function counts as a straight line.
 */
export function wassersteinDistance(a: NumberSample, b: NumberSample): number {
  const [left, right] = [new Walk(a.ranks()), new Walk(b.ranks())];
  let area = 0;
  let at = Math.min(left.next, right.next);
  for (;;) {
    left.pass(at);
    right.pass(at);
    const next = Math.min(left.next, right.next);
    if (next === Infinity) return area;
    area += areaBetween(left.at(at) - right.at(at), left.before(next) - right.before(next)) * (next - at);
    at = next;
  }
}

/** Standard deviation of the population that a sample is of. */
export function standardDeviation(sample: NumberSample): number {
  return sample.deviation ?? deviationOf(sample.ranks());
}

/** Mean height of |a straight line| between two heights. */
function areaBetween(start: number, end: number): number {
  if (start * end >= 0) return Math.abs(start + end) / 2;
  return (start * start + end * end) / (2 * (Math.abs(start) + Math.abs(end)));
}

/** A distribution function, from value to value. */
class Walk {
  readonly #ranks: Ranks;
  #index = 0;

  constructor(ranks: Ranks) {
    this.#ranks = ranks;
  }

  /** The next value; Infinity after the last. */
  get next(): number {
    return this.#index < this.#ranks.values.length ? this.#ranks.values[this.#index]! : Infinity;
  }

  pass(value: number): void {
    if (this.next === value) this.#index++;
  }

  /** Share up to a number that is not below the last value passed. */
  at(value: number): number {
    const { values, through, below, size, complete } = this.#ranks;
    const index = this.#index;
    if (index === 0) return 0;
    const last = through[index - 1]! / size;
    if (complete || index === values.length) return last;
    const [from, to] = [values[index - 1]!, values[index]!];
    return last + ((below[index]! / size - last) * (value - from)) / (to - from);
  }

  /** Share below a number that is not above the next value. */
  before(value: number): number {
    return value === this.next && this.#index > 0 && !this.#ranks.complete
      ? this.#ranks.below[this.#index]! / this.#ranks.size
      : this.at(value);
  }
}
