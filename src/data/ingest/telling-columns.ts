import { measureAll } from '../table/columns.ts';
import type { Database } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { identitySql } from '../reading/digest.ts';
import type { DigestColumn } from '../reading/digest.ts';

/** A column of a table whose rows are to be told apart. */
export interface ToldColumn extends DigestColumn {
  /** Says where a row comes from: the name of a file, or the number of the row, which may be its identity. */
  readonly origin?: boolean;
}

/** From so few rows nothing follows about a column. */
const ROWS_TO_JUDGE = 20;
/** Of the values of an identifier, or of rows: so many are there once, as far as they were counted. */
const UNIQUE_SHARE = 0.9;
/** Of the first quarter of the rows so many values (of all rows) have to differ, or too many repeat for the column to be an identifier. */
const FIRST_SHARE = 0.25;
const REPEATED_SHARE = 0.04;

/**
 * The columns by which rows are known again: not those in which all rows are alike, as the day of an export is, nor those that only say
 * which file a row comes from or which split it is in; nor identifiers (another value in every row), as a new export may number its rows
 * anew, where what is left tells the rows apart without them.
 *
 * @param table SQL of the rows
 * @param kept columns that always count (labels)
 */
export async function tellingColumns<T extends ToldColumn>(
  db: Database,
  table: string,
  columns: readonly T[],
  { kept, never }: { readonly kept: readonly string[]; readonly never?: string },
): Promise<T[]> {
  const asked = columns.filter(({ name, type, origin }) => !(origin === true && type === 'string') && name !== never);
  const alike = await alikeColumns(db, table, await alikeColumns(db, `(SELECT * FROM ${table} LIMIT ${DATA_LIMITS.sampleRows})`, asked));
  const varied = asked.filter((column) => kept.includes(column.name) || !alike.includes(column));
  const [rows] = await measureAll(db, ['count(*)'], table);
  if (rows! < ROWS_TO_JUDGE) return varied;
  const countable = varied.filter(({ type }) => type === 'string' || type === 'integer');
  const first = Math.ceil(FIRST_SHARE * rows!);
  const many = await withMoreThan(db, `(SELECT * FROM ${table} LIMIT ${first})`, countable, REPEATED_SHARE * rows!);
  const identifiers = await withMoreThan(db, table, many, UNIQUE_SHARE * rows!);
  const named = varied.filter((column) => kept.includes(column.name) || !identifiers.includes(column));
  if (named.length === varied.length || named.length === 0) return varied;
  const [distinct] = await measureAll(db, [`count(DISTINCT ${identitySql(named)})`], table);
  return distinct! >= UNIQUE_SHARE * rows! ? named : varied;
}

/** Columns in which all rows are alike. */
async function alikeColumns<T extends ToldColumn>(db: Database, table: string, columns: readonly T[]): Promise<T[]> {
  const varied = await measured(db, table, columns, ({ type, sql }) =>
    type === 'image' ? '1' : `CASE WHEN count(${sql}) = 0 OR (count(${sql}) = count(*) AND min(${sql}) = max(${sql})) THEN 0 ELSE 1 END`,
  );
  return columns.filter((_, at) => varied[at] === 0);
}

/** Columns with so many different values, or more. */
async function withMoreThan<T extends ToldColumn>(db: Database, table: string, columns: readonly T[], least: number): Promise<T[]> {
  const counted = await measured(db, table, columns, ({ sql }) => `approx_count_distinct(${sql})`);
  return columns.filter((_, at) => counted[at]! >= least);
}

async function measured<T>(db: Database, table: string, columns: readonly T[], measure: (column: T) => string): Promise<number[]> {
  return columns.length === 0 ? [] : measureAll(db, columns.map(measure), table);
}
