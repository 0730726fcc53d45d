import { Prng } from '../../core/prng.ts';
import { DATA_LIMITS } from './limits.ts';

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

  /** The values that are kept, ascending. */
  sorted(): Float64Array {
    return this.#values.slice(0, this.#kept).sort();
  }

  /** @param probabilities each in [0, 1] */
  quantiles(probabilities: readonly number[]): number[] {
    const sorted = this.sorted();
    return probabilities.map((p) => {
      const at = p * (sorted.length - 1);
      const low = Math.floor(at);
      const high = Math.min(low + 1, sorted.length - 1);
      return sorted[low]! + (at - low) * (sorted[high]! - sorted[low]!);
    });
  }
}
