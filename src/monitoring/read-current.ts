import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { PerennialError } from '../core/errors.ts';
import { castSql, columnTypeOf } from '../data/columns.ts';
import { asPerennialError, ident, listLiteral, pathLiteral, withDatabase } from '../data/duckdb.ts';
import type { Database } from '../data/duckdb.ts';
import { fingerprintFiles, listSource } from '../data/ingest/source-files.ts';
import type { RawColumn, SourceFile } from '../data/reader.ts';
import { readerRegistry } from '../data/readers.ts';
import type { ColumnType, DatasetProfile } from '../data/types.ts';
import { isComparable, isNumeric } from './column-window.ts';
import type { CurrentSource } from './column-window.ts';
import { currentTable } from './current-table.ts';
import type { CurrentColumn } from './current-table.ts';

const FORMATS: Readonly<Record<string, string>> = { '.csv': 'csv', '.tsv': 'csv', '.json': 'json', '.ndjson': 'ndjson', '.jsonl': 'ndjson', '.parquet': 'parquet' };

/**
 * The rows of a file as a table to compare, read as an ingest step reads them; the format follows from the ending. Of a Parquet file
 * only the columns that are compared are read. Numbers stay text where they are text, so that unreadable ones can be counted.
 *
 * @param use reads the rows while the file is open
 * @throws SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_INVALID; USAGE for an unknown ending
 */
export async function readCurrent<T>(path: string, folder: string, profile: DatasetProfile, use: (current: CurrentSource) => Promise<T>): Promise<T> {
  const format = FORMATS[extname(path).toLowerCase()];
  if (format === undefined) throw new PerennialError('USAGE', `The ending of "${path}" does not say its format; readable are ${Object.keys(FORMATS).join(', ')}.`);
  const reader = readerRegistry.get(format);
  const config = { format, path };
  const files = await listSource(reader, config, folder);
  if (format === 'parquet') return withDatabase(async (db) => use(await parquetTable(db, files, profile, path)));
  await fingerprintFiles(files, typeof reader.text === 'function' ? reader.text(config) : reader.text);
  const workDir = await mkdtemp(join(tmpdir(), 'perennial-drift-'));
  try {
    return await withDatabase(async (db) => {
      const raw = await reader.read({ db, config, files, workDir });
      return use(currentTable({ db, table: 'raw', columns: new Map(raw.columns.map((column, index) => [column.name, expression(column, `c${index}`, profile)])) }));
    });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function parquetTable(db: Database, files: readonly SourceFile[], profile: DatasetProfile, path: string): Promise<CurrentSource> {
  const table = `read_parquet(${listLiteral(files.map((file) => pathLiteral(file.path)))})`;
  try {
    const found = await db.describe(`SELECT * FROM ${table}`);
    const columns = new Map(found.map(({ name, type }) => {
      const known = columnTypeOf(type);
      // Nested values are compared as their JSON text.
      return [name, known === undefined ? expression({ name, type: 'string' }, `CAST(to_json(${ident(name)}) AS VARCHAR)`, profile) : expression({ name, type: known }, ident(name), profile)];
    }));
    return currentTable({ db, table, columns });
  } catch (error) {
    throw asPerennialError(error, 'SOURCE_INVALID', path);
  }
}

function expression({ name, type }: RawColumn, value: string, profile: DatasetProfile): CurrentColumn {
  const known = profile.columns.find((candidate) => candidate.name === name);
  if (known === undefined || !isComparable(known)) return { sql: 'NULL' };
  if (isNumeric(known.type)) return numberOf(value, type);
  if (known.type === 'boolean') return { sql: `coalesce(CAST(${castSql(value, type, 'boolean')} AS VARCHAR), nullif(CAST(${value} AS VARCHAR), ''))` };
  return { sql: `nullif(${castSql(value, type, 'string')}, '')` };
}

function numberOf(value: string, type: ColumnType | 'infer'): CurrentColumn {
  if (type === 'integer' || type === 'number') return { sql: `CAST(${value} AS DOUBLE)` };
  if (type !== 'string' && type !== 'infer') return { sql: 'CAST(NULL AS DOUBLE)', unreadable: `${value} IS NOT NULL` };
  const sql = castSql(value, type, 'number');
  return { sql, unreadable: `(${value} <> '' AND lower(${value}) <> 'nan' AND (${sql}) IS NULL)` };
}
