import { Prng } from '../../core/prng.ts';
import { DATA_LIMITS } from './limits.ts';

/** Of so few quantiles, finding the values at their places is faster than sorting all. */
const SELECTED_MAX = 8;

function between(at: (place: number) => number, size: number, p: number): number {
  const place = p * (size - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, size - 1);
  const lower = at(low);
  return lower + (place - low) * (at(high) - lower);
}

/** The value at a place of the order, from 0 on; moves the values. @see Hoare (1961), Algorithm 65: find */
function nthSmallest(values: Float64Array, place: number): number {
  let left = 0;
  let right = values.length - 1;
  while (left < right) {
    const pivot = values[(left + right) >> 1]!;
    let low = left;
    let high = right;
    while (low <= high) {
      while (values[low]! < pivot) low += 1;
      while (values[high]! > pivot) high -= 1;
      if (low > high) break;
      const swapped = values[low]!;
      values[low++] = values[high]!;
      values[high--] = swapped;
    }
    if (place <= high) right = high;
    else if (place >= low) left = low;
    else break;
  }
  return values[place]!;
}

/**
 * Quantiles of a stream: exact up to `limit` values, beyond it those of a seeded reservoir (Vitter's algorithm R), so that memory stays
 * bounded. Linear interpolation between order statistics, as NumPy's default (Hyndman and Fan, type 7).
 */
export class QuantileSketch {
  #values: Float64Array;
  #kept = 0;
  count = 0;
  readonly #random: Prng;
  readonly #limit: number;

  constructor(seed: number, limit: number = DATA_LIMITS.exactQuantileValuesMax) {
    this.#random = new Prng('quantiles', seed);
    this.#limit = limit;
    this.#values = new Float64Array(Math.min(limit, 1_024));
  }

  add(value: number): void {
    this.count += 1;
    if (this.#kept < this.#limit) {
      if (this.#kept === this.#values.length) {
        const larger = new Float64Array(Math.min(this.#limit, this.#values.length * 2));
        larger.set(this.#values);
        this.#values = larger;
      }
      this.#values[this.#kept] = value;
      this.#kept += 1;
      return;
    }
    const slot = this.#random.below(this.count);
    if (slot < this.#limit) this.#values[slot] = value;
  }

  /** The same as {@link add} of each. */
  addAll(values: Float64Array): void {
    const room = Math.min(values.length, this.#limit - this.#kept);
    if (room > 0) {
      const needed = this.#kept + room;
      if (needed > this.#values.length) {
        const larger = new Float64Array(Math.min(this.#limit, Math.max(needed, this.#values.length * 2)));
        larger.set(this.#values.subarray(0, this.#kept));
        this.#values = larger;
      }
      this.#values.set(values.subarray(0, room), this.#kept);
      this.#kept = needed;
      this.count += room;
    }
    for (let at = Math.max(0, room); at < values.length; at += 1) {
      this.count += 1;
      const slot = this.#random.below(this.count);
      if (slot < this.#limit) this.#values[slot] = values[at]!;
    }
  }

  /** The values that are kept, ascending. */
  sorted(): Float64Array {
    return this.#values.slice(0, this.#kept).sort();
  }

  /** @param probabilities each in [0, 1] */
  quantiles(probabilities: readonly number[]): number[] {
    if (probabilities.length > SELECTED_MAX) {
      const sorted = this.sorted();
      return probabilities.map((p) => between((place) => sorted[place]!, sorted.length, p));
    }
    const values = this.#values.slice(0, this.#kept);
    return probabilities.map((p) => between((place) => nthSmallest(values, place), values.length, p));
  }
}
