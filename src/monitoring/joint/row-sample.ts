import { Prng } from '../../core/prng.ts';
import type { Row } from '../../core/tensor.ts';
import type { ColumnProfile, SourceReading } from '../../data/stored/dataset.ts';
import type { Database } from '../../data/table/duckdb.ts';
import { CHARACTERS_MAX } from '../measures/measure.ts';
import { columnValues } from '../column-values.ts';
import { Reservoir } from '../reservoir.ts';

/** Values of a column in the order of the rows: numbers, NaN where there is none that can be read; or texts. */
export type SampledValues = Float64Array | readonly (string | null)[];

/** Some rows with several of their columns. */
export interface RowSample {
  readonly rows: number;
  /** Rows that they were drawn from. */
  readonly of: number;
  /** By name; a column that no row has is not there. */
  readonly columns: ReadonlyMap<string, SampledValues>;
}

/** What is wanted of rows. */
export interface SampleOrder {
  readonly columns: readonly (Pick<ColumnProfile, 'name' | 'type'> & { readonly numeric: boolean })[];
  /** Rows, at most. */
  readonly most: number;
}

/** Rows by which nothing but the sample is drawn: the same each time. */
const SEED = 0;

/** Places of rows, rising: all of them, or as many as are asked for, each with the same chance (Floyd's algorithm). */
export function drawPlaces(rows: number, most: number): Int32Array {
  if (rows <= most) return Int32Array.from({ length: rows }, (_, row) => row);
  const random = new Prng('row-sample', SEED);
  const chosen = new Set<number>();
  for (let last = rows - most; last < rows; last += 1) {
    const drawn = random.below(last + 1);
    chosen.add(chosen.has(drawn) ? last : drawn);
  }
  return Int32Array.from(chosen).sort();
}

/** The same rows of every column. */
export function thinnedRows(sample: RowSample, most: number): RowSample {
  if (sample.rows <= most) return sample;
  const places = drawPlaces(sample.rows, most);
  const pick = (values: SampledValues): SampledValues =>
    values instanceof Float64Array ? Float64Array.from(places, (row) => values[row]!) : Array.from(places, (row) => values[row]!);
  return { rows: most, of: sample.of, columns: new Map([...sample.columns].map(([name, values]) => [name, pick(values)])) };
}

/**
 * Rows of a table.
 *
 * @param table name of a table or a subquery in parentheses, of `rows` rows
 * @param sqlOf a column as SQL, NULL where it has no value that can be read, points in time as milliseconds since 1970; undefined: the
 * table does not have it
 */
export async function sampleTable(
  db: Database,
  table: string,
  rows: number,
  { columns, most }: SampleOrder,
  sqlOf: (name: string) => string | undefined,
): Promise<RowSample> {
  const places = drawPlaces(rows, most);
  const present = columns.flatMap((column) => {
    const sql = sqlOf(column.name);
    return sql === undefined ? [] : [{ ...column, sql }];
  });
  const read = present.map(({ numeric }) => (numeric ? new Float64Array(places.length) : new Array<string | null>(places.length)));
  if (present.length > 0 && places.length > 0) {
    const list = present
      .map(({ sql, numeric }, at) =>
        numeric ? `CAST(${sql} AS DOUBLE) AS v${at}` : `left(CAST(${sql} AS VARCHAR), ${CHARACTERS_MAX}) AS v${at}`,
      )
      .join(', ');
    const chosen = places.length === rows ? '' : ` WHERE place IN (${places.join(', ')})`;
    const names = present.map((_, at) => `v${at}`).join(', ');
    let row = 0;
    for await (const chunk of db.chunks(
      `SELECT ${names} FROM (SELECT ${list}, row_number() OVER () - 1 AS place FROM ${table})${chosen} ORDER BY place`,
    )) {
      chunk.columns.forEach((values, at) => {
        const target = read[at]!;
        for (let index = 0; index < chunk.rows; index += 1) {
          const value = values[index] ?? null;
          if (target instanceof Float64Array) target[row + index] = finiteOr(value as number | null);
          else target[row + index] = value as string | null;
        }
      });
      row += chunk.rows;
    }
  }
  return { rows: places.length, of: rows, columns: new Map(present.map(({ name }, at) => [name, read[at]!])) };
}

/** Rows that come one after the other, and of which it is not known how many there are. */
export class RowReservoir {
  readonly #readers: readonly (readonly [name: string, numeric: boolean, read: ReturnType<typeof columnValues>])[];
  readonly #rows: Reservoir<(number | string | null)[]>;
  readonly #present = new Set<string>();

  /** @param reading of the model that was asked */
  constructor({ columns, most }: SampleOrder, reading: SourceReading | undefined) {
    this.#readers = columns.map(({ name, type, numeric }) => [name, numeric, columnValues({ name, type }, reading)]);
    this.#rows = new Reservoir(most, new Prng('row-reservoir', SEED));
  }

  add(row: Row): void {
    for (const [name] of this.#readers) if (!this.#present.has(name) && Object.hasOwn(row, name)) this.#present.add(name);
    this.#rows.add(() => this.#readers.map(([name, , read]) => (Object.hasOwn(row, name) ? shortened(read(row[name]) ?? null) : null)));
  }

  finish(): RowSample {
    const { kept, seen } = this.#rows;
    const columns = this.#readers.flatMap(([name, numeric], at): [string, SampledValues][] => {
      if (!this.#present.has(name)) return [];
      const values = kept.map((row) => row[at]!);
      return [
        [
          name,
          numeric
            ? Float64Array.from(values, (value) => finiteOr(value as number | null))
            : values.map((one) => (one === null ? null : String(one))),
        ],
      ];
    });
    return { rows: kept.length, of: seen, columns: new Map(columns) };
  }
}

/** Some of rows that come in batches. */
export async function sampleBatches(
  batches: AsyncIterable<readonly Row[]>,
  order: SampleOrder,
  reading: SourceReading | undefined,
): Promise<RowSample> {
  const reservoir = new RowReservoir(order, reading);
  for await (const batch of batches) for (const row of batch) reservoir.add(row);
  return reservoir.finish();
}

/** A copy of its own: a part of a text would keep the whole. */
function shortened(value: number | string | null): number | string | null {
  if (typeof value !== 'string' || value.length <= CHARACTERS_MAX) return value;
  return Buffer.from(value.slice(0, CHARACTERS_MAX), 'utf16le').toString('utf16le');
}

function finiteOr(value: number | null): number {
  return value === null || !Number.isFinite(value) ? Number.NaN : value;
}
