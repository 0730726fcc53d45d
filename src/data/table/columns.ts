import { closest, distance } from 'fastest-levenshtein';
import { looksOf, quoted } from '../../core/spelling.ts';
import { PerennialError } from '../../core/errors.ts';
import type { Database } from './duckdb.ts';
import type { ColumnType } from '../stored/column.ts';

/** Storage type of a column in the dataset's Parquet. Timestamps are UTC. */
export const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  number: 'DOUBLE',
  integer: 'BIGINT',
  boolean: 'BOOLEAN',
  string: 'VARCHAR',
  timestamp: 'TIMESTAMP',
  image: 'BLOB',
};

/** The error for a column that is not there, with the nearest spelling. */
export function columnMissing(name: string, names: readonly string[], where: string): PerennialError {
  const near =
    names.length === 0
      ? undefined
      : closest(
          looksOf(name).toLowerCase(),
          names.map((item) => looksOf(item).toLowerCase()),
        );
  const found = names.find((item) => looksOf(item).toLowerCase() === near);
  const close = found !== undefined && distance(looksOf(name).toLowerCase(), looksOf(found).toLowerCase()) <= Math.max(2, name.length / 3);
  const list = names.length > 30 ? `${names.slice(0, 30).join(', ')}, … (${names.length} columns)` : names.join(', ');
  return new PerennialError(
    'COLUMN_MISSING',
    `${where}: there is no column ${quoted(name)}. The columns are: ${list}.`,
    close ? { hint: `Did you mean ${quoted(found)}?` } : {},
  );
}

/** @throws COLUMN_MISSING */
export function requireColumn<T extends { readonly name: string }>(columns: readonly T[], name: string, where: string): T {
  const found = columns.find((column) => column.name === name);
  if (found === undefined)
    throw columnMissing(
      name,
      columns.map((column) => column.name),
      where,
    );
  return found;
}

/** Planning a query takes time that grows with the square of its expressions: wide tables are measured in pieces. */
const MEASURES_PER_QUERY = 240;

/** The values of many aggregates over one table. */
export async function measureAll(db: Database, measures: readonly string[], table: string): Promise<number[]> {
  const values: number[] = [];
  for (let start = 0; start < measures.length; start += MEASURES_PER_QUERY) {
    const [row] = await db.rows(`SELECT ${measures.slice(start, start + MEASURES_PER_QUERY).join(', ')} FROM ${table}`);
    for (const value of row!) values.push(Number(value));
  }
  return values;
}
