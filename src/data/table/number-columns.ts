import type { Database } from './duckdb.ts';
import { DATA_LIMITS } from './limits.ts';
import { MomentsOfColumns, orNan } from './moments.ts';
import type { Moments } from './moments.ts';

/** Values of all columns that are read at a time, 8 bytes each: what is sorted of them lies beside them. */
const VALUES_AT_ONCE = 2 * 1024 * 1024;
/** The same where each time reads all rows for a few of their values. */
const SAMPLED_VALUES_AT_ONCE = 8 * 1024 * 1024;

export interface ColumnNumbers {
  /** In the order of the rows. */
  readonly finite: Float64Array;
  /** Rows without a value, NaN among them. */
  readonly missing: number;
  /** Rows whose value is infinite, which is also how callers mark what cannot be read. */
  readonly infinite: number;
  /** Rows that were looked at. */
  readonly rows: number;
}

/** Every so many rows are looked at: 1 up to a million rows. */
export function samplingStep(rows: number): number {
  return rows <= DATA_LIMITS.orderedValuesMax ? 1 : Math.ceil(rows / DATA_LIMITS.orderedSampleRows);
}

/**
 * The numbers of columns, a few columns at a time so that memory stays bounded, of at most a million rows each: of more rows every so
 * many are taken, the same ones each time.
 *
 * @param table name of a table or a subquery in parentheses
 * @param expressions SQL of numbers; only the columns that they name are read
 * @param rows of the table
 */
export async function* numbersOf(
  db: Database,
  table: string,
  expressions: readonly string[],
  rows: number,
): AsyncGenerator<{ readonly index: number; readonly values: ColumnNumbers }> {
  const step = samplingStep(rows);
  for (const { start, part } of partsOf(expressions, Math.ceil(rows / step), step === 1 ? VALUES_AT_ONCE : SAMPLED_VALUES_AT_ONCE)) {
    const read = part.map(() => new Reading(Math.ceil(rows / step)));
    for await (const { columns } of db.doubles(queryOf(table, part, step))) columns.forEach((values, index) => read[index]!.add(values));
    for (const [index, one] of read.entries()) yield { index: start + index, values: one.finish() };
  }
}

/**
 * The same with the moments of all rows, where some of them are looked at.
 *
 * @param table whose rows come in the same order each time
 */
export async function* numbersWithMoments(
  db: Database,
  table: string,
  expressions: readonly string[],
  rows: number,
): AsyncGenerator<{ readonly index: number; readonly values: ColumnNumbers; readonly moments?: Moments }> {
  const step = samplingStep(rows);
  if (step === 1) return yield* numbersOf(db, table, expressions, rows);
  const length = Math.ceil(rows / step);
  for (const { start, part } of partsOf(expressions, length, SAMPLED_VALUES_AT_ONCE)) {
    const read = part.map(() => new Reading(length));
    const moments = new MomentsOfColumns(db, table, part);
    // The first row that is looked at in the next chunk.
    let next = firstPlace(step) - 1;
    for await (const { rows: given, columns } of db.doubles(`SELECT ${part.map(orNan).join(', ')} FROM ${table}`)) {
      const taken = Array.from({ length: Math.max(0, Math.ceil((given - next) / step)) }, (_, index) => next + index * step);
      for (const [index, values] of columns.entries()) {
        moments.add(index, values);
        read[index]!.add(Float64Array.from(taken, (row) => values[row]!));
      }
      next += taken.length * step - given;
    }
    const whole = await moments.finish();
    for (const [index, one] of read.entries()) yield { index: start + index, values: one.finish(), moments: whole[index]! };
  }
}

/** Columns that are read at a time. @param length rows of each @param most values of all of them */
function partsOf(
  expressions: readonly string[],
  length: number,
  most: number,
): { readonly start: number; readonly part: readonly string[] }[] {
  const width = Math.max(1, Math.floor(most / Math.max(1, length)));
  return Array.from({ length: Math.ceil(expressions.length / width) }, (_, index) => ({
    start: index * width,
    part: expressions.slice(index * width, (index + 1) * width),
  }));
}

/** Of every so many rows the one in the middle, counted from 1. */
const firstPlace = (step: number): number => Math.ceil(step / 2);

function queryOf(table: string, expressions: readonly string[], step: number): string {
  const list = expressions.map((sql, index) => `${orNan(sql)} AS v${index}`).join(', ');
  if (step === 1) return `SELECT ${list} FROM ${table}`;
  return `SELECT ${expressions.map((_, index) => `v${index}`).join(', ')} FROM (SELECT ${list}, row_number() OVER () AS place FROM ${table}) WHERE place % ${step} = ${firstPlace(step) % step}`;
}

class Reading {
  readonly #values: Float64Array;
  #kept = 0;
  #missing = 0;
  #infinite = 0;

  constructor(rows: number) {
    this.#values = new Float64Array(rows);
  }

  add(values: Float64Array): void {
    let kept = this.#kept;
    const target = this.#values;
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      // Infinities and NaN give NaN.
      if (value - value === 0) target[kept++] = value;
      else if (value === value) this.#infinite++;
      else this.#missing++;
    }
    this.#kept = kept;
  }

  finish(): ColumnNumbers {
    return {
      finite: this.#values.subarray(0, this.#kept),
      missing: this.#missing,
      infinite: this.#infinite,
      rows: this.#kept + this.#missing + this.#infinite,
    };
  }
}
