import { Prng } from '../core/prng.ts';
import type { Row } from '../core/tensor.ts';
import type { ColumnProfile, ColumnType, DatasetProfile } from '../data/types.ts';
import type { FeatureSample } from './drift-test.ts';

/** Values kept per column of numbers: enough for every test, and bounded whatever the window holds. */
const SAMPLE_MAX = 100_000;
/** Names kept per column of categories: beyond this a column is an identifier or free text. */
const NAMES_MAX = 10_000;

/** A column of current rows, in the terms of the reference profile. */
export interface ColumnWindow {
  readonly name: string;
  readonly rows: number;
  /** Rows without a value: the key is absent, or it is null, NaN or an empty text. */
  readonly missing: number;
  /** Rows whose value is not of the column's type, e.g. text in a column of numbers. */
  readonly invalid: number;
  /** false: no row has the column at all. */
  readonly present: boolean;
  readonly sample: FeatureSample;
}

export interface WindowProfile {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, ColumnWindow>;
  /** Columns of the rows that the reference does not have. */
  readonly unknown: readonly string[];
}

export type RowBatches = Iterable<readonly Row[]> | AsyncIterable<readonly Row[]>;

/** Rows → a profile that can be compared with the reference. Types are those of the reference. */
export async function profileWindow(reference: DatasetProfile, batches: RowBatches, seed = 0): Promise<WindowProfile> {
  const collectors = new Map(reference.columns.filter(isComparable).map((column) => [column.name, new Collector(column, seed)]));
  const known = new Set(reference.columns.map((column) => column.name));
  const unknown = new Set<string>();
  let rows = 0;
  for await (const batch of batches) {
    for (const row of batch) {
      rows++;
      for (const collector of collectors.values()) collector.add(row);
      for (const name of Object.keys(row)) if (!known.has(name)) unknown.add(name);
    }
  }
  return { rows, columns: new Map([...collectors].map(([name, collector]) => [name, collector.finish(rows)])), unknown: [...unknown].sort() };
}

/** Numbers and categories can be compared; images and points in time cannot. */
export function isComparable(column: Pick<ColumnProfile, 'type'>): boolean {
  return column.type !== 'image' && column.type !== 'timestamp';
}

export function isNumeric(type: ColumnType): boolean {
  return type === 'number' || type === 'integer';
}

/** The reference side of a column; undefined where the profile holds no values. */
export function referenceSample(column: ColumnProfile): FeatureSample | undefined {
  if (column.number !== undefined && column.number.sample.length > 0) return { kind: 'number', values: Float64Array.from(column.number.sample).sort() };
  if (column.categories === undefined) return undefined;
  return { kind: 'category', counts: new Map(Object.entries(column.categories.counts)), other: column.categories.other };
}

class Collector {
  readonly #column: ColumnProfile;
  readonly #numeric: boolean;
  readonly #random: Prng;
  readonly #values: number[] = [];
  readonly #counts = new Map<string, number>();
  #seen = 0;
  #other = 0;
  #missing = 0;
  #invalid = 0;
  #present = false;

  constructor(column: ColumnProfile, seed: number) {
    this.#column = column;
    this.#numeric = isNumeric(column.type);
    this.#random = new Prng('profile-window', column.name, seed);
  }

  add(row: Row): void {
    if (!Object.hasOwn(row, this.#column.name)) {
      this.#missing++;
      return;
    }
    this.#present = true;
    const value = row[this.#column.name];
    if (value === null || value === undefined || value === '' || Number.isNaN(value)) this.#missing++;
    else if (this.#numeric) this.#addNumber(value);
    else this.#addCategory(value);
  }

  finish(rows: number): ColumnWindow {
    const sample: FeatureSample = this.#numeric
      ? { kind: 'number', values: Float64Array.from(this.#values).sort() }
      : { kind: 'category', counts: this.#counts, other: this.#other };
    return { name: this.#column.name, rows, missing: this.#missing, invalid: this.#invalid, present: this.#present, sample };
  }

  #addNumber(value: unknown): void {
    const number = typeof value === 'number' ? value : typeof value === 'bigint' || (typeof value === 'string' && value.trim() !== '') ? Number(value) : NaN;
    if (!Number.isFinite(number)) {
      this.#invalid++;
      return;
    }
    this.#seen++;
    if (this.#values.length < SAMPLE_MAX) {
      this.#values.push(number);
      return;
    }
    // Reservoir sampling (Vitter's algorithm R): every value of the window is equally likely to be kept.
    const slot = this.#random.below(this.#seen);
    if (slot < SAMPLE_MAX) this.#values[slot] = number;
  }

  #addCategory(value: unknown): void {
    if (typeof value === 'object') {
      this.#invalid++;
      return;
    }
    const name = String(value);
    const count = this.#counts.get(name);
    if (count !== undefined) this.#counts.set(name, count + 1);
    else if (this.#counts.size < NAMES_MAX) this.#counts.set(name, 1);
    else this.#other++;
  }
}
