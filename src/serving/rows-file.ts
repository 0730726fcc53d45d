import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { Row } from '../core/tensor.ts';
import { isEncodedImage } from '../data/images/encoded-image.ts';
import { parseJson } from '../data/reading/json-numbers.ts';
import { readTable, withFile } from '../data/reading/read-as.ts';
import type { OpenedFile } from '../data/reading/read-as.ts';
import type { SourceReading } from '../data/stored/dataset.ts';
import type { Column, ColumnType } from '../data/stored/column.ts';

/** What a model says of the rows that it takes. */
export interface RowsReading {
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** How its source was read; absent in models of version 0.1.0. */
  readonly reading?: SourceReading;
}

/**
 * Rows of a file. JSON (an array, `{ "rows": […] }`, or one row) and NDJSON are sent as they are. A table (CSV, Parquet) is read as the
 * source of the model was read, with its words for missing values and its formats; a value that cannot be read stays text, so that
 * the server names its row and column. A path in a column of images (from the folder of the file) becomes the bytes of the file as
 * base64.
 *
 * @throws SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_INVALID; USAGE where nothing tells the format
 */
export async function readRowsFile(path: string, about: RowsReading): Promise<Row[]> {
  const { rows, malformed } = await readEveryRow(path, about);
  if (malformed !== undefined) throw malformed;
  return rows.map((row) => {
    if (isPerennialError(row)) throw row;
    return row;
  });
}

/** What a file holds, with what cannot be read in its place. */
export interface EveryRow {
  readonly rows: readonly (Row | PerennialError)[];
  /** Lines of a table that are no rows, as one error: they have no place among the rows. */
  readonly malformed?: PerennialError;
  /** The same, one by one. */
  readonly malformedLines?: readonly MalformedLine[];
  /** Of a table of CSV: on which line each record begins, rows and malformed ones, from 1 on. */
  readonly lines?: readonly number[];
  /** There are more rows than were asked for; then nothing is known of malformed ones. */
  readonly isCut?: true;
}

export interface MalformedLine {
  readonly line: number;
  readonly reason: string;
}

/**
 * The same as {@link readRowsFile}, for whoever goes on without the rows that cannot be read.
 *
 * @param rowsMax of a table, how many are read at most @throws as that, for the file as a whole
 */
export async function readEveryRow(path: string, { columns, reading }: RowsReading, rowsMax = Infinity): Promise<EveryRow> {
  const found = await withFile(path, process.cwd(), reading, async (file): Promise<EveryRow> => {
    if (file.format !== 'ndjson' && file.format !== 'json') return tableRows(file, columns, rowsMax);
    const rowsOfText = file.format === 'ndjson' ? ndjsonRows : jsonRows;
    const rows: (Row | PerennialError)[] = [];
    for (const one of file.files) rows.push(...rowsOfText(await readText(one.path), file.files.length === 1 ? path : one.name));
    return { rows };
  });
  if (found.rows.length === 0 && found.malformed === undefined) throw new PerennialError('SOURCE_EMPTY', `${path} holds no rows.`);
  const images = Object.keys(columns).filter((name) => columns[name] === 'image');
  if (images.length === 0) return found;
  return {
    ...found,
    rows: await Promise.all(
      found.rows.map(async (row, index) => (isPerennialError(row) ? row : orError(() => withImages(row, images, path, index)))),
    ),
  };
}

async function orError<T>(read: () => T | Promise<T>): Promise<T | PerennialError> {
  try {
    return await read();
  } catch (error) {
    if (isPerennialError(error)) return error;
    throw error;
  }
}

/** Malformed lines that are named. */
const LINES_SHOWN = 3;

async function tableRows(file: OpenedFile, types: Readonly<Record<string, ColumnType>>, rowsMax: number): Promise<EveryRow> {
  // Images come as texts: paths or base64.
  const wanted = Object.entries(types).map(([name, type]): Column => ({ name, type: type === 'image' ? 'string' : type }));
  return readTable(file, wanted, async (table) => {
    const rows: Row[] = [];
    const present = table.columns.filter((column) => column.present);
    // Names that the model does not know tell the server which of its columns is misspelt.
    const unknown = present.length === wanted.length ? [] : table.names.filter((name) => !Object.hasOwn(types, name));
    const list = present.flatMap(({ column, value, odd, text }) => [valueOf(column.type, value), `CASE WHEN ${odd} THEN ${text} END`]);
    // Nothing behind them is read.
    const bound = rowsMax === Infinity ? '' : ` LIMIT ${rowsMax + 1}`;
    for await (const chunk of table.db.chunks(`SELECT ${list.length === 0 ? '1' : list.join(', ')} FROM ${table.source}${bound}`)) {
      for (let row = 0; row < chunk.rows; row += 1) {
        rows.push(
          Object.fromEntries([
            ...present.map(({ column }, index) => [
              column.name,
              chunk.columns[2 * index + 1]![row] ?? plain(chunk.columns[2 * index]![row]),
            ]),
            ...unknown.map((name) => [name, null]),
          ]),
        );
      }
    }
    if (rows.length > rowsMax) return { rows: rows.slice(0, rowsMax), isCut: true };
    const malformedLines = await table.malformed();
    const records = rows.length + malformedLines.length;
    const lines = rowsMax === Infinity ? undefined : await table.lines?.(records + 1);
    return {
      rows,
      ...(malformedLines.length === 0 ? {} : { malformed: malformedIn(file.path, malformedLines), malformedLines }),
      // Where the rules of the database and ours differ about what is a record, no line is told rather than a wrong one.
      ...(lines?.length === records ? { lines } : {}),
    };
  });
}

function valueOf(type: ColumnType, value: string): string {
  if (type === 'number' || type === 'integer') return `CAST(${value} AS DOUBLE)`;
  return type === 'timestamp' ? `strftime(${value}, '%Y-%m-%dT%H:%M:%S.%gZ')` : value;
}

/** JSON has no infinities; as texts they are read all the same. */
const plain = (value: unknown): unknown => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value);

function malformedIn(path: string, malformed: readonly MalformedLine[]): PerennialError {
  return new PerennialError(
    'SOURCE_INVALID',
    `${path}: ${malformed.length === 1 ? 'a line is' : `${malformed.length} lines are`} malformed: ${malformed
      .slice(0, LINES_SHOWN)
      .map(({ reason }) => reason.replace(/^malformed line, /, ''))
      .join('; ')}${malformed.length > LINES_SHOWN ? '; …' : ''}.`,
    { hint: 'Correct the lines, or take them out.' },
  );
}

async function withImages(row: Row, images: readonly string[], path: string, index: number): Promise<Row> {
  const read: Record<string, unknown> = {};
  for (const name of images) {
    const value = Object.hasOwn(row, name) ? row[name] : undefined;
    if (typeof value !== 'string' || value === '' || isEncodedImage(value)) continue;
    try {
      read[name] = (await readFile(resolve(dirname(path), value))).toString('base64');
    } catch (error) {
      throw new PerennialError(
        'SOURCE_NOT_FOUND',
        `${path}: row ${index}, column "${name}": the image "${value.slice(0, 200)}" cannot be read: ${messageOf(error)}.`,
        { hint: 'Give the path of a file, relative to the folder of the rows, or the image as base64.', cause: error },
      );
    }
  }
  return { ...row, ...read };
}

/** Of a file that was found to be UTF-8. */
const readText = async (path: string): Promise<string> => new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));

function jsonRows(text: string, path: string): (Row | PerennialError)[] {
  const value = parse(text, path);
  const list = Array.isArray(value) ? value : isObject(value) && Array.isArray(value.rows) ? value.rows : [value];
  return list.map((row, index) => rowOf(row, `${path}: row ${index}`));
}

function ndjsonRows(text: string, path: string): (Row | PerennialError)[] {
  return text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [lineOf(line, `${path}:${index + 1}`)]));
}

function lineOf(line: string, where: string): Row | PerennialError {
  try {
    return rowOf(parse(line, where), where);
  } catch (error) {
    if (isPerennialError(error)) return error;
    throw error;
  }
}

function parse(text: string, where: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw new PerennialError('SOURCE_INVALID', `${where} is not JSON: ${messageOf(error)}.`, { hint: 'Correct the file.', cause: error });
  }
}

function rowOf(value: unknown, where: string): Row | PerennialError {
  if (!isObject(value))
    return new PerennialError('SOURCE_INVALID', `${where} is not an object of column names and values.`, {
      hint: 'Write rows as {"column": value, …}.',
    });
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
