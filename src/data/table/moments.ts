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
 *
 * @param table name of a table or a subquery in parentheses whose rows come in the same order each time
 * @param expressions SQL of numbers
 */
export async function momentsOf(db: Database, table: string, expressions: readonly string[]): Promise<Moments[]> {
  const found = await inUnits(
    db,
    table,
    expressions.map((sql) => ({ sql, unit: 1 })),
  );
  const large = found.flatMap(({ count, min, max }, index) =>
    count > 0 && Math.max(-min, max) > SQUARABLE ? [{ index, sql: expressions[index]!, unit: Math.max(-min, max) }] : [],
  );
  const scaled = large.length === 0 ? [] : await inUnits(db, table, large);
  for (const [at, { index, unit }] of large.entries())
    found[index] = { ...found[index]!, mean: scaled[at]!.mean * unit, std: scaled[at]!.std * unit };
  return found;
}

async function inUnits(
  db: Database,
  table: string,
  columns: readonly { readonly sql: string; readonly unit: number }[],
): Promise<Moments[]> {
  if (columns.length === 0) return [];
  const sums = columns.map(({ unit }) => new BlockMoments(unit));
  for await (const { columns: values } of db.doubles(
    `SELECT ${columns.map(({ sql }) => `coalesce(CAST(${sql} AS DOUBLE), CAST('nan' AS DOUBLE))`).join(', ')} FROM ${table}`,
  )) {
    for (let index = 0; index < sums.length; index++) sums[index]!.add(values[index]!);
  }
  return sums.map((one) => one.finish());
}

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
