import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { PerennialError } from '../core/errors.ts';
import type { Row } from '../core/tensor.ts';
import { castSql } from '../data/columns.ts';
import { withDatabase } from '../data/duckdb.ts';
import type { RawColumn } from '../data/reader.ts';
import { readerRegistry } from '../data/readers.ts';
import { fingerprintFiles, listSource } from '../data/ingest/source-files.ts';
import type { DatasetProfile } from '../data/types.ts';
import { isComparable, isNumeric } from './profile-window.ts';

const FORMATS: Readonly<Record<string, string>> = { '.csv': 'csv', '.tsv': 'csv', '.json': 'json', '.ndjson': 'ndjson', '.jsonl': 'ndjson', '.parquet': 'parquet' };

/**
 * The rows of a file, batch by batch, read as an ingest step reads them; the format follows from the ending. Columns that the profile
 * does not know are named, with null for a value. Numbers stay text where they are text, so that unreadable ones can be counted.
 *
 * @throws SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_INVALID; USAGE for an unknown ending
 */
export async function readCurrent(path: string, folder: string, profile: DatasetProfile, onRows: (rows: AsyncIterable<Row[]>) => Promise<void>): Promise<void> {
  const format = FORMATS[extname(path).toLowerCase()];
  if (format === undefined) throw new PerennialError('USAGE', `The ending of "${path}" does not say its format; readable are ${Object.keys(FORMATS).join(', ')}.`);
  const reader = readerRegistry.get(format);
  const config = { format, path };
  const files = await listSource(reader, config, folder);
  await fingerprintFiles(files, typeof reader.text === 'function' ? reader.text(config) : reader.text);
  const workDir = await mkdtemp(join(tmpdir(), 'perennial-drift-'));
  try {
    await withDatabase(async (db) => {
      const raw = await reader.read({ db, config, files, workDir });
      const list = raw.columns.map((column, index) => `${expression(column, `c${index}`, profile)} AS v${index}`).join(', ');
      await onRows(batches(db.chunks(`SELECT ${list} FROM raw ORDER BY "row"`), raw.columns));
    });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

function expression(column: RawColumn, id: string, profile: DatasetProfile): string {
  const known = profile.columns.find((candidate) => candidate.name === column.name);
  if (known === undefined || !isComparable(known)) return 'NULL';
  if (isNumeric(known.type)) return column.type === 'integer' || column.type === 'number' ? `CAST(${id} AS DOUBLE)` : `CAST(${id} AS VARCHAR)`;
  if (known.type === 'boolean') return `coalesce(CAST(${castSql(id, column.type, 'boolean')} AS VARCHAR), CAST(${id} AS VARCHAR))`;
  return castSql(id, column.type, 'string');
}

async function* batches(chunks: AsyncIterable<{ readonly rows: number; readonly columns: readonly (readonly unknown[])[] }>, columns: readonly RawColumn[]): AsyncGenerator<Row[]> {
  for await (const chunk of chunks) {
    yield Array.from({ length: chunk.rows }, (_, row) => Object.fromEntries(columns.map((column, index) => [column.name, chunk.columns[index]![row]])));
  }
}
