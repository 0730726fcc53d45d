import { Prng } from '../core/prng.ts';
import type { Row } from '../core/tensor.ts';
import type { SourceReading } from '../data/stored/dataset.ts';
import { DATA_LIMITS } from '../data/table/limits.ts';
import { columnValues } from './column-values.ts';
import type { ColumnReference, ColumnWindow, CurrentSource } from './column-window.ts';
import { numberSample } from './drift/drift-test.ts';
import { RowReservoir } from './joint/row-sample.ts';

/** Names kept per column that the reference does not have: of more, only the rows are counted. */
const NEW_NAMES_MAX = 1_000;

export type RowBatches = Iterable<readonly Row[]> | AsyncIterable<readonly Row[]>;

/** Rows as objects, e.g. of logged predictions. Types are those of the reference; values are read as the model read them. */
export function currentRows(batches: RowBatches, reading?: SourceReading, seed = 0): CurrentSource {
  return async (wanted, known, order) => {
    const collectors = wanted.map((reference): [string, Collector] => [reference.column.name, new Collector(reference, reading, seed)]);
    const unknown = new Set<string>();
    const reservoir = order === undefined ? undefined : new RowReservoir(order, reading);
    let rows = 0;
    for await (const batch of batches) {
      for (const row of batch) {
        rows++;
        for (const [, collector] of collectors) collector.add(row);
        reservoir?.add(row);
        for (const name of Object.keys(row)) if (!known.has(name)) unknown.add(name);
      }
    }
    return {
      rows,
      unknown: [...unknown].sort(),
      ...(reservoir === undefined ? {} : { sample: async () => reservoir.finish() }),
      async *columns() {
        for (const [name, collector] of collectors) yield [name, collector.finish(rows)];
      },
    };
  };
}

class Collector {
  readonly #reference: ColumnReference;
  readonly #name: string;
  readonly #random: Prng;
  readonly #read: ReturnType<typeof columnValues>;
  readonly #counts = new Map<string, number>();
  #values = new Float64Array(256);
  #kept = 0;
  #seen = 0;
  #newNames = 0;
  #other = 0;
  #missing = 0;
  #invalid = 0;
  #present = false;
  /** Rows of which it is not known. */
  #unknown = 0;

  constructor(reference: ColumnReference, reading: SourceReading | undefined, seed: number) {
    this.#reference = reference;
    this.#name = reference.column.name;
    this.#read = columnValues(reference.column, reading);
    this.#random = new Prng('current-rows', this.#name, seed);
  }

  add(row: Row): void {
    if (!Object.hasOwn(row, this.#name)) {
      if (this.#reference.ofImages === undefined) this.#missing++;
      else this.#unknown++;
      return;
    }
    this.#present = true;
    const value = this.#read(row[this.#name]);
    if (value === null) this.#missing++;
    else if (value === undefined) this.#invalid++;
    else if (this.#reference.numeric) this.#addNumber(Number(value));
    else this.#addCategory(String(value));
  }

  finish(rows: number): ColumnWindow {
    const base = { rows: rows - this.#unknown, missing: this.#missing, invalid: this.#invalid, present: this.#present };
    if (this.#reference.sample === undefined || this.#reference.freeText) return base;
    return {
      ...base,
      sample: this.#reference.numeric
        ? numberSample(this.#values.subarray(0, this.#kept))
        : { kind: 'category', counts: this.#counts, other: this.#other },
    };
  }

  #addNumber(number: number): void {
    this.#seen++;
    if (this.#kept < DATA_LIMITS.orderedValuesMax) {
      if (this.#kept === this.#values.length) {
        const larger = new Float64Array(this.#kept * 2);
        larger.set(this.#values);
        this.#values = larger;
      }
      this.#values[this.#kept++] = number;
      return;
    }
    // Reservoir sampling (Vitter's algorithm R): every value of the window is equally likely to be kept.
    const slot = this.#random.below(this.#seen);
    if (slot < this.#kept) this.#values[slot] = number;
  }

  #addCategory(name: string): void {
    const { sample } = this.#reference;
    const count = this.#counts.get(name);
    if (count !== undefined) this.#counts.set(name, count + 1);
    else if (sample?.kind === 'category' && sample.counts.has(name)) this.#counts.set(name, 1);
    else if (this.#newNames < NEW_NAMES_MAX) {
      this.#newNames++;
      this.#counts.set(name, 1);
    } else this.#other++;
  }
}
