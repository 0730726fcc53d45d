import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withDatabase } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { areListedOtherwise, listSource, readUnchanged } from '../ingest/source-files.ts';
import type { LikelySkip } from './csv-layout.ts';
import { findFormat } from './file-format.ts';
import type { FoundFile } from './file-format.ts';
import { readingError } from '../readers/reader.ts';
import type { RawTable, SourceFile } from '../readers/reader.ts';
import { readerRegistry } from '../readers/index.generated.ts';
import type { SourceReading } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';
import { isOddSql, textSql, valueSql } from './column-sql.ts';
import { CSV_MISSING } from './numbers.ts';
import { typedOf } from './source-column.ts';
import type { RawColumn, TypedColumn } from './source-column.ts';

/** A column of a file, read as a model reads it. */
export interface ReadColumn {
  readonly column: Column;
  /** The file has the column. */
  readonly present: boolean;
  /** SQL of its value by the model's type; NULL where it is missing or cannot be read. */
  readonly value: string;
  /** SQL: there is a value that cannot be read. */
  readonly odd: string;
  /** SQL of its text as it stands in the file. */
  readonly text: string;
}

export interface ReadTable {
  readonly db: Database;
  readonly columns: readonly ReadColumn[];
  /** All columns as the file has them, by the names that the SQL knows them under. */
  readonly raw: readonly RawColumn[];
  /** Names of all columns of the file. */
  readonly names: readonly string[];
  /** SQL of a table with what the SQL of the columns names. */
  readonly source: string;
  /** false: the table can be read once only. */
  readonly readsAgain: boolean;
  /** After that: rows that are malformed, with their reasons. */
  malformed(): Promise<readonly { readonly line: number; readonly reason: string }[]>;
  /** See `RawTable.lines`. */
  readonly lines?: (records: number) => Promise<readonly number[]>;
  readonly notes: readonly string[];
}

/** A file of rows while it is open. */
export interface OpenedFile extends FoundFile {
  readonly path: string;
  readonly reading: SourceReading | undefined;
  /** How the file is laid out, where somebody said it: settings of the reader, over what is found out. */
  readonly declared?: Readonly<Record<string, unknown>>;
  readonly db: Database;
  readonly workDir: string;
}

/**
 * Opens a file of rows for a model: those that it shall answer, and those that are compared with what it was trained on.
 *
 * @param reading of the model; undefined for models of version 0.1.0, whose columns are all that is known
 * @throws SOURCE_NOT_FOUND, SOURCE_INVALID; USAGE where nothing tells its format
 */
export async function withFile<T>(
  path: string,
  folder: string,
  reading: SourceReading | undefined,
  use: (file: OpenedFile) => Promise<T>,
): Promise<T> {
  return withReadingPlace(async (place) => {
    const list = (): Promise<SourceFile[]> => listRows(path, folder);
    const files = await list();
    const isOther = (): Promise<boolean> => areListedOtherwise(files, list);
    return readUnchanged(path, isOther, async () => use(await openListed(path, files, reading, place)));
  });
}

/** A database and a folder to read files with, while they are looked at. */
export async function withReadingPlace<T>(use: (place: Pick<OpenedFile, 'db' | 'workDir'>) => Promise<T>): Promise<T> {
  const workDir = await mkdtemp(join(tmpdir(), 'perennial-read-'));
  try {
    return await withDatabase((db) => use({ db, workDir }));
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** A file of rows, open as {@link withFile} opens it, for a database and a folder of the caller. */
export async function openFile(
  path: string,
  folder: string,
  reading: SourceReading | undefined,
  place: Pick<OpenedFile, 'db' | 'workDir'>,
): Promise<OpenedFile> {
  return openListed(path, await listRows(path, folder), reading, place);
}

/** All formats of files list them alike. */
const listRows = (path: string, folder: string): Promise<SourceFile[]> =>
  listSource(readerRegistry.get('csv'), { format: 'csv', path }, folder);

async function openListed(
  path: string,
  files: readonly SourceFile[],
  reading: SourceReading | undefined,
  place: Pick<OpenedFile, 'db' | 'workDir'>,
): Promise<OpenedFile> {
  return { path, reading, ...place, ...(await findFormat(path, files, reading, place)) };
}

/**
 * Reads a file as the source of a model was read: with its types, formats and words for a missing value; the way in which the file
 * itself is laid out (delimiter, lines before the header) is found out anew, with the columns of the model as a guide.
 *
 * @param reading of the model; undefined for models of version 0.1.0, whose columns are all that is known
 * @param columns that are wanted
 * @param use reads the table; it is called again where the file has to be rewritten first
 * @throws SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_INVALID; USAGE where nothing tells its format
 */
export async function readFileAs<T>(
  path: string,
  folder: string,
  reading: SourceReading | undefined,
  columns: readonly Column[],
  use: (table: ReadTable) => Promise<T>,
): Promise<T> {
  return withFile(path, folder, reading, (file) => readTable(file, columns, use));
}

/** @throws as {@link readFileAs} */
export async function readTable<T>(
  { path, format, files, notes, reading, declared, db, workDir }: OpenedFile,
  columns: readonly Column[],
  use: (table: ReadTable) => Promise<T>,
): Promise<T> {
  const reader = readerRegistry.get(format);
  const same = reading?.source.format === format ? reading.source : undefined;
  const likely = typeof same?.['delimiter'] === 'string' ? same['delimiter'] : undefined;
  const likelySkip = skipOf(same);
  // Files of tables are UTF-8 by now.
  const config = {
    format,
    path,
    ...(same === undefined ? {} : pick(same, [...(reader.layout === 'classFolders' ? ['encoding'] : []), 'quote', 'header', 'nullValues'])),
    // What else is missing depends on the column, where the source of the model has another format.
    ...(format === 'csv' && same === undefined && reading !== undefined ? { nullValues: [''] } : {}),
    ...declared,
  };
  const expected = (reading?.columns ?? columns).map(({ name }) => name);
  try {
    let raw = await reader.read({
      db,
      config,
      files,
      workDir,
      expected,
      ...(likely === undefined ? {} : { likely }),
      ...(likelySkip === undefined ? {} : { likelySkip }),
      ...(reading !== undefined && reading.canonical !== true ? { asBefore: true } : {}),
    });
    for (;;) {
      try {
        return await use(tableOf(db, raw, format, reading, columns, notes));
      } catch (error) {
        const repaired = await raw.repair?.(error);
        if (repaired === undefined) throw error;
        raw = repaired;
      }
    }
  } catch (error) {
    throw await readingError(reader, { db, files, what: path }, error);
  }
}

function skipOf(source: SourceReading['source'] | undefined): LikelySkip | undefined {
  const [lines, digest] = [source?.['skip'], source?.['skipped']];
  return typeof lines === 'number' && typeof digest === 'string' ? { lines, digest } : undefined;
}

function pick(from: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]));
}

function tableOf(
  db: Database,
  raw: RawTable,
  format: string,
  reading: SourceReading | undefined,
  columns: readonly Column[],
  notes: readonly string[],
): ReadTable {
  return {
    db,
    columns: columns.map((column) =>
      readColumn(
        raw.columns.find(({ name }) => name === column.name),
        columnAsRead(column, reading, format),
        raw,
      ),
    ),
    raw: raw.columns,
    names: raw.columns.map(({ name }) => name),
    source: raw.source('all'),
    readsAgain: raw.rejects === undefined,
    async malformed() {
      await raw.rejects?.();
      return (await db.rows('SELECT "row", reason FROM rejects ORDER BY "row"')).map(([line, reason]) => ({
        line: Number(line),
        reason: String(reason),
      }));
    },
    ...(raw.lines === undefined ? {} : { lines: raw.lines }),
    notes: [...notes, ...raw.notes],
  };
}

/** A column with all that decides on its values: a file of another format than the source's means the same by them. */
function columnAsRead({ name, type, ...rest }: Column, reading: SourceReading | undefined, fileFormat: string): Column {
  const { format, float32, words = [] } = reading?.columns.find((column) => column.name === name) ?? {};
  const own = (reading?.source['nullValues'] ?? []) as readonly string[];
  // A source without texts for a missing value has other ways to write one, and a CSV file has none.
  const ofCsv = reading !== undefined && reading.source.format !== 'csv' && fileFormat === 'csv';
  return {
    ...rest,
    name,
    // Whole numbers may have fractions in a request, and are as readable in a file.
    type: type === 'integer' ? 'number' : type,
    ...(format === undefined ? {} : { format }),
    ...(float32 === undefined ? {} : { float32 }),
    nullValues: ofCsv ? [...own, ...CSV_MISSING.filter((text) => !words.includes(text))] : own,
  };
}

function readColumn(found: RawColumn | undefined, column: Column, raw: RawTable): ReadColumn {
  if (found === undefined) return { column, present: false, value: 'NULL', odd: 'false', text: 'NULL' };
  const { nullValues = [] } = column;
  const typed: TypedColumn = {
    ...typedOf(found),
    type: column.type,
    nullValues,
    // Texts for a missing value are those of the model, whatever format its source had.
    ...(nullValues.every((text) => raw.nullValues.includes(text)) ? { nullsTaken: true } : {}),
    ...(column.format === undefined ? {} : { format: column.format }),
    ...(column.float32 === undefined ? {} : { float32: column.float32 }),
  };
  const value = valueSql(typed);
  return { column, present: true, value, odd: isOddSql(typed, value), text: textSql(typed) };
}
