import { closest, distance } from 'fastest-levenshtein';
import { PerennialError } from '../core/errors.ts';
import type { Database } from './duckdb.ts';
import { DATA_LIMITS } from './limits.ts';
import type { RawColumn } from './reader.ts';
import type { ColumnType } from './types.ts';

/** Storage type of a column in the dataset's Parquet. Timestamps are UTC. */
export const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  number: 'DOUBLE', integer: 'BIGINT', boolean: 'BOOLEAN', string: 'VARCHAR', timestamp: 'TIMESTAMP', image: 'BLOB',
};

/** Our type of a DuckDB type; undefined for nested values. */
export function columnTypeOf(sqlType: string): ColumnType | undefined {
  const type = sqlType.toUpperCase();
  if (/\[|STRUCT|MAP|UNION|LIST|ARRAY/.test(type)) return undefined;
  if (/^(U?TINYINT|U?SMALLINT|U?INTEGER|U?BIGINT)$/.test(type)) return 'integer';
  if (/^(FLOAT|DOUBLE|DECIMAL.*|U?HUGEINT)$/.test(type)) return 'number';
  if (type === 'BOOLEAN') return 'boolean';
  if (type.startsWith('TIMESTAMP') || type === 'DATE') return 'timestamp';
  if (type === 'BLOB') return 'image';
  return 'string';
}

/** The error for a column that is not there, with the nearest spelling. */
export function columnMissing(name: string, names: readonly string[], where: string): PerennialError {
  const near = names.length === 0 ? undefined : closest(name.toLowerCase(), names.map((item) => item.toLowerCase()));
  const found = names.find((item) => item.toLowerCase() === near);
  const close = found !== undefined && distance(name.toLowerCase(), found.toLowerCase()) <= Math.max(2, name.length / 3);
  const list = names.length > 30 ? `${names.slice(0, 30).join(', ')}, … (${names.length} columns)` : names.join(', ');
  return new PerennialError('COLUMN_MISSING', `${where}: there is no column "${name}". The columns are: ${list}.`, close ? { hint: `Did you mean "${found}"?` } : {});
}

/** @throws COLUMN_MISSING */
export function requireColumn<T extends { readonly name: string }>(columns: readonly T[], name: string, where: string): T {
  const found = columns.find((column) => column.name === name);
  if (found === undefined) throw columnMissing(name, columns.map((column) => column.name), where);
  return found;
}

const numeric = (c: string) => `(try_cast(${c} AS DOUBLE) IS NOT NULL AND NOT contains(${c}, '_'))`;

/** SQL that casts column `c` (text or typed) to our type, NULL where it cannot. NaN becomes a missing value unless it is the label's. */
export function castSql(c: string, from: ColumnType | 'infer', to: ColumnType, keepNaN = false): string {
  const text = from === 'infer' || from === 'string';
  if (to === 'string') return from === 'image' ? 'NULL' : from === 'timestamp' ? `strftime(${c}, '%Y-%m-%dT%H:%M:%S')` : `CAST(${c} AS VARCHAR)`;
  if (to === 'number' || to === 'integer') {
    if (from === 'timestamp' || from === 'image') return 'NULL';
    const value = text ? `CASE WHEN ${numeric(c)} THEN try_cast(${c} AS DOUBLE) END` : `CAST(${c} AS DOUBLE)`;
    if (to === 'integer') return `CASE WHEN ${value} = trunc(${value}) AND abs(${value}) <= ${DATA_LIMITS.integerMax} THEN CAST(${value} AS BIGINT) END`;
    return keepNaN ? value : `CASE WHEN isnan(${value}) THEN NULL ELSE ${value} END`;
  }
  if (to === 'boolean') {
    if (from === 'boolean') return c;
    if (from === 'number' || from === 'integer') return `CASE WHEN ${c} IN (0, 1) THEN ${c} = 1 END`;
    return `CASE lower(trim(CAST(${c} AS VARCHAR))) WHEN 'true' THEN true WHEN 'false' THEN false WHEN 'yes' THEN true WHEN 'no' THEN false WHEN '1' THEN true WHEN '0' THEN false END`;
  }
  if (to === 'timestamp') {
    if (from === 'timestamp') return `CAST(CAST(${c} AS TIMESTAMPTZ) AS TIMESTAMP)`;
    if (from === 'number' || from === 'integer') return `CASE WHEN isfinite(CAST(${c} AS DOUBLE)) THEN CAST(to_timestamp(CAST(${c} AS DOUBLE) / 1000) AS TIMESTAMP) END`;
    return text ? `CAST(try_cast(${c} AS TIMESTAMPTZ) AS TIMESTAMP)` : 'NULL';
  }
  if (from === 'image') return c;
  return text ? `TRY(from_base64(regexp_replace(CAST(${c} AS VARCHAR), '^data:image/[a-z+.-]+;base64,', '')))` : 'NULL';
}

export interface TypedColumn {
  readonly name: string;
  /** Name in the temporary tables: c0, c1, … */
  readonly id: string;
  readonly from: ColumnType | 'infer';
  readonly type: ColumnType;
}

interface Inference {
  readonly type: ColumnType;
  readonly note?: string;
}

function inferOne(name: string, filled: number, ints: number, nums: number, bools: number, times: number, coded: number): Inference {
  if (filled === 0) return { type: 'string' };
  if (ints === filled && coded === 0) return { type: 'integer' };
  if (nums === filled && coded === 0) return { type: 'number' };
  if (bools === filled) return { type: 'boolean' };
  if (times === filled) return { type: 'timestamp' };
  const odd = filled - nums;
  if (coded === 0 && nums > 0 && odd / filled < 0.05) {
    return { type: 'string', note: `Column "${name}" is read as text: ${odd} of ${filled} values are no numbers. Declare "columns": {"${name}": "number"} to quarantine them.` };
  }
  return { type: 'string' };
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

/**
 * Types of the columns of `raw`. Text columns get the narrowest type that all their values have: integer, number, boolean,
 * timestamp, string. Numbers with leading zeros or beyond 2^53 are text: they are codes.
 */
export async function resolveTypes(db: Database, raw: readonly RawColumn[], declared: Readonly<Record<string, ColumnType>>): Promise<{ columns: TypedColumn[]; notes: string[] }> {
  const notes: string[] = [];
  const measures = raw.flatMap((column, index) => {
    const c = `c${index}`;
    if (Object.hasOwn(declared, column.name)) return [];
    if (column.type === 'integer') return [`count(${c})`, `count_if(abs(CAST(${c} AS HUGEINT)) > ${DATA_LIMITS.integerMax})`];
    if (column.type !== 'infer') return [];
    return [
      `count(${c})`,
      `count_if(regexp_full_match(${c}, '\\s*[+-]?\\d{1,16}\\s*') AND abs(try_cast(${c} AS BIGINT)) <= ${DATA_LIMITS.integerMax})`,
      `count_if(${numeric(c)})`,
      `count_if(lower(trim(${c})) IN ('true', 'false'))`,
      `count_if(try_cast(${c} AS TIMESTAMPTZ) IS NOT NULL)`,
      `count_if(regexp_full_match(${c}, '\\s*[+-]?(0\\d+|\\d{17,})\\s*'))`,
    ];
  });
  const values = await measureAll(db, measures, 'raw');
  let at = 0;
  const columns = raw.map((column, index): TypedColumn => {
    const base = { name: column.name, id: `c${index}`, from: column.type };
    if (Object.hasOwn(declared, column.name)) return { ...base, type: declared[column.name]! };
    if (column.type === 'integer') {
      const [, beyond] = values.slice(at, (at += 2));
      return { ...base, type: beyond! > 0 ? 'string' : 'integer' };
    }
    if (column.type !== 'infer') return { ...base, type: column.type };
    const [filled, ints, nums, bools, times, coded] = values.slice(at, (at += 6)) as [number, number, number, number, number, number];
    const { type, note } = inferOne(column.name, filled, ints, nums, bools, times, coded);
    if (note !== undefined) notes.push(note);
    return { ...base, type };
  });
  return { columns, notes };
}
