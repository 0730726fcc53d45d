import type { Database } from './duckdb.ts';

/** From here on the squares of values may leave what a double holds. */
export const SQUARABLE = 1e140;

/** Of the finite values of a column. Without one, all but `count` is NaN. */
export interface Moments {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Of the values themselves: divided by their count. */
  readonly std: number;
}

/**
 * Moments of all finite values of columns, in the order of the rows: threads of a database add in the order of their arrival, which
 * gives other last digits each time, and so another digest of what is written.
 */
export class MomentsOfColumns {
  readonly #db: Database;
  readonly #table: string;
  readonly #expressions: readonly string[];
  readonly #sums: readonly BlockMoments[];

  /**
   * @param table name of a table or a subquery in parentheses whose rows come in the same order each time
   * @param expressions SQL of numbers
   */
  constructor(db: Database, table: string, expressions: readonly string[]) {
    this.#db = db;
    this.#table = table;
    this.#expressions = expressions;
    this.#sums = expressions.map(() => new BlockMoments(1));
  }

  /** The next values of a column. */
  add(column: number, values: Float64Array): void {
    this.#sums[column]!.add(values);
  }

  /** Reads columns once more whose squares leave what a double holds. */
  async finish(): Promise<Moments[]> {
    const found = this.#sums.map((one) => one.finish());
    for (const [index, { count, min, max }] of found.entries()) {
      const unit = Math.max(-min, max);
      if (count === 0 || unit <= SQUARABLE) continue;
      const { mean, std } = await this.#inUnit(this.#expressions[index]!, unit);
      found[index] = { ...found[index]!, mean: mean * unit, std: std * unit };
    }
    return found;
  }

  async #inUnit(sql: string, unit: number): Promise<Moments> {
    const sums = new BlockMoments(unit);
    for await (const { columns } of this.#db.doubles(`SELECT ${orNan(sql)} FROM ${this.#table}`)) sums.add(columns[0]!);
    return sums.finish();
  }
}

/** SQL of a double, where there is no value NaN. */
export const orNan = (sql: string): string => `coalesce(CAST(${sql} AS DOUBLE), CAST('nan' AS DOUBLE))`;

const BLOCK = 4_096;

/**
 * Means and squared deviations of blocks of one length, put together one after the other: no sum grows so large that small values
 * vanish in it, and how the values arrive makes no difference.
 *
 * @see Chan, Golub and LeVeque (1979), Updating formulae and a pairwise algorithm for computing sample variances
 */
class BlockMoments {
  readonly #unit: number;
  readonly #block = new Float64Array(BLOCK);
  #filled = 0;
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #mean = 0;
  #squares = 0;

  constructor(unit: number) {
    this.#unit = unit;
  }

  add(values: Float64Array): void {
    const block = this.#block;
    let filled = this.#filled;
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      // Infinities and NaN give NaN.
      if (value - value !== 0) continue;
      block[filled++] = value;
      if (filled === BLOCK) {
        this.#merge(BLOCK);
        filled = 0;
      }
    }
    this.#filled = filled;
  }

  finish(): Moments {
    if (this.#filled > 0) this.#merge(this.#filled);
    if (this.#count === 0) return { count: 0, min: NaN, max: NaN, mean: NaN, std: NaN };
    return { count: this.#count, min: this.#min, max: this.#max, mean: this.#mean, std: Math.sqrt(this.#squares / this.#count) };
  }

  #merge(length: number): void {
    const block = this.#block;
    const unit = this.#unit;
    let sum = 0;
    for (let index = 0; index < length; index++) {
      const value = block[index]!;
      if (value < this.#min) this.#min = value;
      if (value > this.#max) this.#max = value;
      sum += value / unit;
    }
    const mean = sum / length;
    let squares = 0;
    for (let index = 0; index < length; index++) {
      const away = block[index]! / unit - mean;
      squares += away * away;
    }
    const count = this.#count + length;
    const apart = mean - this.#mean;
    this.#squares += squares + apart * apart * ((this.#count * length) / count);
    this.#mean += (apart * length) / count;
    this.#count = count;
  }
}
