import { ranksOf } from './ranks.ts';
import type { Ranks } from './ranks.ts';

/**
 * Values that one cell holds where they are spread evenly: small enough to sort in no time, large enough that the counts stay in the
 * cache.
 */
const VALUES_PER_CELL = 64;
const CELLS_MAX = 16_384;

/**
 * Numbers laid into cells of equal width, each cell sorted only when it is asked for. Tests of a million values look closely at a few
 * places of the order, and sorting everything would take several times as long as all the rest.
 */
export class PartitionedValues {
  readonly size: number;
  readonly cells: number;
  readonly #low: number;
  readonly #scale: number;
  /** Cell by cell, in order; inside of a cell as they came, until it is sorted. */
  readonly #values: Float64Array;
  /** Number of values before each cell. */
  readonly #starts: Uint32Array;
  readonly #sorted: Uint8Array;
  #ranks: Ranks | undefined;

  /** @param values finite, in any order; they are not changed */
  constructor(values: Float64Array) {
    this.size = values.length;
    const [low, high] = middle(values);
    this.cells = Math.min(CELLS_MAX, Math.max(1, Math.floor(values.length / VALUES_PER_CELL))) + 2;
    this.#low = low;
    // Widths beyond what a double holds leave one cell, which is sorted whole.
    this.#scale = high > low && Number.isFinite(high - low) ? (this.cells - 2) / (high - low) : 0;
    this.#sorted = new Uint8Array(this.cells);
    [this.#starts, this.#values] = lay(values, low, this.#scale, this.cells);
  }

  /** The cell that a number belongs to: never a later one than that of a larger number. */
  cellOf(value: number): number {
    return cellAt((value - this.#low) * this.#scale, this.cells);
  }

  /** Number of values before a cell. */
  start(cell: number): number {
    return this.#starts[cell]!;
  }

  /** The values of a cell, ascending. */
  sortedCell(cell: number): Float64Array {
    const values = this.#values.subarray(this.#starts[cell], this.#starts[cell + 1]);
    if (this.#sorted[cell] === 0) {
      values.sort();
      this.#sorted[cell] = 1;
    }
    return values;
  }

  /** Number of values smaller than `limit`. */
  below(limit: number): number {
    return this.#count(limit, (value) => value < limit);
  }

  /** Number of values up to `limit`. */
  through(limit: number): number {
    return this.#count(limit, (value) => value <= limit);
  }

  /** Everything, sorted. */
  ranks(): Ranks {
    if (this.#ranks === undefined) {
      for (let cell = 0; cell < this.cells; cell++) this.sortedCell(cell);
      this.#ranks = ranksOf(this.#values);
    }
    return this.#ranks;
  }

  #count(limit: number, isBefore: (value: number) => boolean): number {
    const cell = this.cellOf(limit);
    const values = this.sortedCell(cell);
    let low = 0;
    let high = values.length;
    while (low < high) {
      const at = (low + high) >>> 1;
      if (isBefore(values[at]!)) low = at + 1;
      else high = at;
    }
    return this.#starts[cell]! + low;
  }
}

function cellAt(place: number, cells: number): number {
  return place < 0 ? 0 : place >= cells - 2 ? cells - 1 : (place | 0) + 1;
}

/** Ends that leave out the outermost values, by a sample of every so many. What lies beyond them goes into the first and the last cell. */
function middle(values: Float64Array): [number, number] {
  const step = Math.max(1, Math.floor(values.length / 1_024));
  const sample = new Float64Array(Math.ceil(values.length / step));
  for (let index = 0; index < sample.length; index++) sample[index] = values[index * step]!;
  sample.sort();
  const cut = Math.floor(sample.length / 512);
  return [sample[cut] ?? 0, sample[sample.length - 1 - cut] ?? 0];
}

function lay(values: Float64Array, low: number, scale: number, cells: number): [Uint32Array, Float64Array] {
  const last = cells - 2;
  const starts = new Uint32Array(cells + 1);
  for (let index = 0; index < values.length; index++) {
    const place = (values[index]! - low) * scale;
    starts[(place < 0 ? 0 : place >= last ? last + 1 : (place | 0) + 1) + 1]!++;
  }
  for (let cell = 0; cell < cells; cell++) starts[cell + 1]! += starts[cell]!;
  const next = starts.slice(0, cells);
  const laid = new Float64Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    const place = (value - low) * scale;
    laid[next[place < 0 ? 0 : place >= last ? last + 1 : (place | 0) + 1]!++] = value;
  }
  return [starts, laid];
}
