import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isPerennialError, messageOf } from '../core/errors.ts';
import type { Row } from '../core/tensor.ts';
import { isEncodedImage } from '../data/images/encoded-image.ts';
import { tableBatches } from '../data/stored/dataset-rows.ts';
import type { ColumnBatch, SelectedColumn } from '../data/stored/dataset-rows.ts';
import type { Preprocessor } from '../data/stored/dataset.ts';
import { columnOfRows } from '../data/table/row-values.ts';
import { parquetTable } from '../data/table/duckdb.ts';
import type { Database } from '../data/table/duckdb.ts';
import type { ColumnData, ImageData, NumberData } from '../data/transforms/column-data.ts';
import { codedText } from '../data/transforms/column-data.ts';
import { textId, valueId } from './snapshot.ts';
import type { Snapshot } from './snapshot.ts';

/** Rows of the snapshot: `rows` of them from `first` on. */
export interface Range {
  readonly first: number;
  readonly rows: number;
}

/** Where the rows are, and how they are read. */
export interface RowsPlace {
  /** Path of the snapshot. */
  readonly path: string;
  readonly snapshot: Pick<Snapshot, 'images' | 'sorted'>;
  /** Folder in which relative paths of images begin. */
  readonly imageFolder: string;
}

/** A batch with what is known to be wrong with its rows before anything is made of them. */
export interface ReadBatch extends ColumnBatch {
  /** Rows that may hold values that cannot be read. */
  readonly suspects: readonly number[];
  /** Rows of which it is known why they cannot be answered. */
  readonly refused: ReadonlyMap<number, string>;
}

/** SQL of the rows of a range, with `file_row_number`. Groups of rows that lie wholly before or behind are not read. */
export function rangeSql({ path }: RowsPlace, { first, rows }: Range): string {
  return `(SELECT * FROM ${parquetTable(path, 'file_row_number = true')} WHERE file_row_number >= ${first} AND file_row_number < ${first + rows})`;
}

const BAD = '@bad';
/** Images that are held at once, with what is made of them. */
const IMAGES_AT_ONCE = 64;

/** The columns that the model reads, batch by batch. @param most rows of one batch */
export async function* readBatches(
  db: Database,
  place: RowsPlace,
  columns: Preprocessor['columns'],
  range: Range,
  most: number,
): AsyncGenerator<ReadBatch> {
  const chosen = [
    ...columns.map(({ name, type }, index): SelectedColumn => ({
      column: { name, type: type === 'image' ? 'string' : type === 'integer' ? 'number' : type },
      sql: imageTextSql(place, name, valueId(index)),
    })),
    { column: { name: BAD, type: 'boolean' as const }, sql: 'bad' },
  ];
  const images = columns.filter(({ type }) => type === 'image').map(({ name }) => name);
  const step = images.length === 0 ? most : Math.min(most, IMAGES_AT_ONCE);
  for await (const batch of tableBatches(db, rangeSql(place, range), chosen, range.rows, true)) {
    for (let start = 0; start < batch.rows; start += step) {
      const part = batch.rows <= step ? batch : slice(batch, start, Math.min(step, batch.rows - start));
      const flags = (part.columns.get(BAD) as NumberData).values;
      const suspects: number[] = [];
      for (let row = 0; row < part.rows; row += 1) if (flags[row] === 1) suspects.push(row);
      const read = new Map(part.columns);
      read.delete(BAD);
      const refused = new Map<number, string>();
      for (const name of images) read.set(name, await openImages(part, name, place.imageFolder, refused));
      yield { ...part, firstRow: range.first + part.firstRow, columns: read, suspects, refused };
    }
  }
}

/** The bytes of images travel as text: beside them stand columns that are none. */
function imageTextSql({ snapshot }: RowsPlace, name: string, id: string): string {
  return snapshot.images.some((image) => image.name === name && image.bytes) ? `to_base64(${id})` : id;
}

function slice({ columns, firstRow }: ColumnBatch, start: number, rows: number): ColumnBatch {
  return {
    rows,
    firstRow: firstRow + start,
    columns: pick(
      columns,
      Int32Array.from({ length: rows }, (_, at) => start + at),
    ),
  };
}

/** Some rows of columns. */
export function pick(columns: ReadonlyMap<string, ColumnData>, rows: Int32Array): Map<string, ColumnData> {
  return new Map([...columns].map(([name, data]) => [name, pickOf(data, rows)]));
}

function pickOf(data: ColumnData, rows: Int32Array): ColumnData {
  if (data.kind === 'text') {
    if (data.coded === undefined) return { kind: 'text', values: Array.from(rows, (row) => data.values[row]!) };
    const { codes, texts } = data.coded;
    return codedText(
      rows.map((row) => codes[row]!),
      texts,
    );
  }
  if (data.kind === 'number' || data.kind === 'timestamp')
    return { kind: data.kind, values: Float64Array.from(rows, (row) => data.values[row]!) };
  const { values } = data as ImageData;
  return { ...(data as ImageData), values: Array.from(rows, (row) => values[row]!) };
}

/** Each image by itself: one that cannot be opened takes no other with it. */
async function openImages({ columns, rows }: ColumnBatch, name: string, folder: string, refused: Map<number, string>): Promise<ColumnData> {
  const { values } = columns.get(name) as { readonly values: readonly (string | null)[] };
  const images: ImageData['values'][number][] = [];
  for (let row = 0; row < rows; row += 1) {
    images.push(null);
    try {
      const value = values[row]!;
      if (value === null || value === '') {
        if (!refused.has(row)) refused.set(row, `column "${name}": the image is missing.`);
        continue;
      }
      const bytes = isEncodedImage(value) ? value : await readFile(resolve(folder, value));
      images[row] = ((await columnOfRows([{ [name]: bytes }], { name, type: 'image' })) as ImageData).values[0]!;
    } catch (error) {
      refused.set(row, reasonOf(error, name, values[row]!));
    }
  }
  return { kind: 'image', channels: 3, size: null, values: images };
}

function reasonOf(error: unknown, name: string, value: string): string {
  if (isPerennialError(error)) return withoutRow(error.message);
  if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
  return `column "${name}": the image "${value.slice(0, 200)}" cannot be read: ${messageOf(error)}.`;
}

/** What is wrong with a row, without its number among those that were looked at. */
export const withoutRow = (message: string): string => message.replace(/^row \d+[,:]? ?/i, '');

/** Rows as a client would send them: a value that cannot be read is its text. By their places in the batch. */
export async function rowsAt(
  db: Database,
  place: RowsPlace,
  columns: Preprocessor['columns'],
  numbers: readonly number[],
): Promise<Map<number, Row>> {
  if (numbers.length === 0) return new Map();
  const list = columns.map(({ name, type }, index) => {
    const id = imageTextSql(place, name, valueId(index));
    const value = type === 'timestamp' ? `strftime(${id}, '%Y-%m-%dT%H:%M:%S.%gZ')` : id;
    return `${value}, ${textId(index)}`;
  });
  const first = numbers[0]!;
  const found = await db.rows(
    `SELECT file_row_number, ${list.join(', ')} FROM ${rangeSql(place, { first, rows: numbers.at(-1)! - first + 1 })} WHERE file_row_number IN (${numbers.join(', ')})`,
  );
  return new Map(
    found.map((values) => [
      Number(values[0]),
      Object.fromEntries(columns.map(({ name }, index) => [name, values[2 * index + 2] ?? plain(values[2 * index + 1])])),
    ]),
  );
}

/** Of rows that were sorted: their places in the source, by their numbers. */
export async function placesAt(db: Database, place: RowsPlace, numbers: readonly number[]): Promise<Map<number, number>> {
  const first = numbers[0]!;
  const found = await db.rows(
    `SELECT file_row_number, place FROM ${rangeSql(place, { first, rows: numbers.at(-1)! - first + 1 })} WHERE file_row_number IN (${numbers.join(', ')})`,
  );
  return new Map(found.map(([number, at]) => [Number(number), Number(at)]));
}

const plain = (value: unknown): unknown => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value);
