import type { DuckDBValue } from '@duckdb/node-api';
import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { Row } from '../../core/tensor.ts';
import { codedText } from '../transforms/column-data.ts';
import type { ColumnData } from '../transforms/column-data.ts';
import { ident, literal, parquetTable, withDatabase } from '../table/duckdb.ts';
import type { Database, TypedVector } from '../table/duckdb.ts';
import { CODED_TEXTS_MAX, SHORT_BYTES, ShortTexts, shortText } from './short-texts.ts';
import { decodeImage } from '../images/images.ts';
import { DATASET } from './dataset.ts';
import type { DatasetMeta, Split } from './dataset.ts';
import type { Column } from './column.ts';
import { metaAs } from '../../storage/stored.ts';

/** Rows of a batch with images: each is decoded at once. */
const IMAGE_ROWS = 64;

export function datasetMeta(artifact: OpenArtifact): DatasetMeta {
  if (artifact.manifest.kind !== 'dataset')
    throw new PerennialError('STEP_FAILED', `A dataset was expected, not a ${artifact.manifest.kind} artifact.`);
  return metaAs(artifact, DATASET);
}

/** A column and the SQL that gives it. */
export interface SelectedColumn {
  readonly column: Column;
  readonly sql: string;
}

/** Columns of the Parquet by position: names that differ only in case have others there. */
async function select(db: Database, source: string, all: readonly Column[], wanted: readonly string[]): Promise<SelectedColumn[]> {
  const found = await db.describe(`SELECT * FROM ${source}`);
  return wanted.map((name) => {
    const index = all.findIndex((column) => column.name === name);
    return { column: all[index]!, sql: ident(found[index]!.name) };
  });
}

const isNumeric = ({ column }: SelectedColumn): boolean => column.type !== 'image' && column.type !== 'string';

function expression({ column, sql }: SelectedColumn): string {
  if (column.type === 'image' || column.type === 'string') return sql;
  return column.type === 'timestamp' ? `CAST(epoch_ms(${sql}) AS DOUBLE)` : `CAST(${sql} AS DOUBLE)`;
}

const bytesOf = (value: DuckDBValue): Uint8Array | null => (value === null ? null : (value as { bytes: Uint8Array }).bytes);

async function toColumn({ column }: SelectedColumn, values: readonly DuckDBValue[], firstRow: number): Promise<ColumnData> {
  if (column.type === 'string') return { kind: 'text', values: values as (string | null)[] };
  if (column.type === 'image') {
    const images = await Promise.all(
      values.map(async (value, row) => {
        const bytes = bytesOf(value);
        return bytes === null ? null : decodeImage(bytes, firstRow + row, column.name);
      }),
    );
    return { kind: 'image', channels: 3, size: null, values: images };
  }
  return {
    kind: column.type === 'timestamp' ? 'timestamp' : 'number',
    values: Float64Array.from(values, (value) => (value === null ? Number.NaN : (value as number))),
  };
}

export interface ColumnBatch {
  readonly rows: number;
  readonly firstRow: number;
  readonly columns: ReadonlyMap<string, ColumnData>;
}

/**
 * Columns of a table or subquery, batch by batch in order; memory stays bounded by the batch.
 *
 * @param shared the memory of a batch is taken again for the next one
 */
export async function* tableBatches(
  db: Database,
  source: string,
  chosen: readonly SelectedColumn[],
  rows = 0,
  shared = false,
): AsyncGenerator<ColumnBatch> {
  const texts = chosen.filter(({ column }) => column.type === 'string');
  if (chosen.length > 0 && chosen.every(({ column }) => column.type !== 'image')) {
    const coded =
      texts.length === 0
        ? new Map<string, readonly string[]>()
        : rows < CODED_ROWS_MIN
          ? undefined
          : await fewTexts(db, source, await longTexts(db, source, texts));
    if (coded !== undefined) {
      yield* typedBatches(db, source, chosen, coded, shared);
      return;
    }
  }
  const images = chosen.some((item) => item.column.type === 'image');
  const list = chosen.length === 0 ? '1' : chosen.map(expression).join(', ');
  let firstRow = 0;
  for await (const chunk of db.chunks(`SELECT ${list} FROM ${source}`)) {
    const size = images ? IMAGE_ROWS : chunk.rows;
    for (let start = 0; start < chunk.rows; start += size) {
      const count = Math.min(size, chunk.rows - start);
      const columns = new Map<string, ColumnData>();
      for (const [index, item] of chosen.entries())
        columns.set(item.column.name, await toColumn(item, chunk.columns[index]!.slice(start, start + count), firstRow));
      yield { rows: count, firstRow, columns };
      firstRow += count;
    }
  }
}

/** From so many rows on, looking for the different texts of a column costs less than writing out each. */
const CODED_ROWS_MIN = 50_000;
/** Rows of a batch without images: what is done once a batch then costs little, and its values stay in the cache of the processor. */
const BATCH_ROWS = 8_192;

/** Columns of texts of which some do not lie in the memory of a chunk wholly. */
async function longTexts(db: Database, source: string, columns: readonly SelectedColumn[]): Promise<SelectedColumn[]> {
  const [longest] = await db.rows(`SELECT ${columns.map(({ sql }) => `max(strlen(${sql}))`).join(', ')} FROM ${source}`);
  return columns.filter((_, index) => Number(longest![index]) > SHORT_BYTES);
}

/** The different texts of columns; undefined where one has too many. */
async function fewTexts(
  db: Database,
  source: string,
  columns: readonly SelectedColumn[],
): Promise<Map<string, readonly string[]> | undefined> {
  const found = new Map<string, readonly string[]>();
  for (const { sql } of columns) {
    const texts = await db.rows(
      `SELECT DISTINCT ${sql} AS v FROM (SELECT ${sql} FROM ${source} WHERE ${sql} IS NOT NULL) LIMIT ${CODED_TEXTS_MAX + 1}`,
    );
    // No SQL holds a NUL.
    if (texts.length === 0 || texts.length > CODED_TEXTS_MAX || texts.some(([text]) => String(text).includes('\0'))) return undefined;
    found.set(sql, texts.map(([text]) => String(text)).sort());
  }
  return found;
}

/** Texts of a batch as places in a list, or written out from where their list became too long. */
class BatchTexts {
  readonly #known = new ShortTexts();
  readonly #codes = new Int32Array(BATCH_ROWS);
  #values: (string | null)[] | undefined;
  #isFull = false;

  add({ bytes, present }: TypedVector, rows: number, filled: number): void {
    const coded = this.#isFull ? 0 : this.#known.code(bytes, present, rows, this.#codes, filled);
    if (coded === rows) return;
    this.#isFull = true;
    this.#values ??= [...codedText(this.#codes.subarray(0, filled + coded), this.#known.texts).values];
    for (let row = coded; row < rows; row += 1)
      this.#values.push(present !== null && ((present[row >> 3]! >> (row & 7)) & 1) === 0 ? null : shortText(bytes, row));
  }

  take(filled: number, shared: boolean): ColumnData {
    const values = this.#values;
    this.#values = undefined;
    if (values !== undefined) return { kind: 'text', values };
    return codedText(shared ? this.#codes.subarray(0, filled) : this.#codes.slice(0, filled), this.#known.texts);
  }
}

/** Numbers and coded texts straight out of the memory of the database. @param coded the different texts of columns of long ones */
async function* typedBatches(
  db: Database,
  source: string,
  chosen: readonly SelectedColumn[],
  coded: ReadonlyMap<string, readonly string[]>,
  shared: boolean,
): AsyncGenerator<ColumnBatch> {
  const list = chosen.map((item) =>
    isNumeric(item)
      ? `coalesce(${expression(item)}, CAST('NaN' AS DOUBLE))`
      : coded.has(item.sql)
        ? `enum_code(CAST(${item.sql} AS ENUM(${coded.get(item.sql)!.map(literal).join(', ')})))`
        : item.sql,
  );
  let parts: (Float64Array | Int32Array | BatchTexts)[] = [];
  let filled = 0;
  let firstRow = 0;
  const part = <T extends Float64Array | Int32Array>(own: T): T => (shared ? own.subarray(0, filled) : own.slice(0, filled)) as T;
  const batch = (): ColumnBatch => {
    const columns = new Map<string, ColumnData>();
    for (const [index, { column, sql }] of chosen.entries()) {
      const own = parts[index]!;
      columns.set(
        column.name,
        own instanceof BatchTexts
          ? own.take(filled, shared)
          : own instanceof Float64Array
            ? { kind: column.type === 'timestamp' ? 'timestamp' : 'number', values: part(own) }
            : codedText(part(own), coded.get(sql)!),
      );
    }
    const made = { rows: filled, firstRow, columns };
    firstRow += filled;
    filled = 0;
    return made;
  };
  for await (const chunk of db.typedChunks(`SELECT ${list.join(', ')} FROM ${source}`)) {
    if (parts.length === 0)
      parts = chosen.map((item) =>
        isNumeric(item) ? new Float64Array(BATCH_ROWS) : coded.has(item.sql) ? new Int32Array(BATCH_ROWS) : new BatchTexts(),
      );
    if (filled + chunk.rows > BATCH_ROWS) yield batch();
    for (const [index, vector] of chunk.columns.entries()) {
      const target = parts[index]!;
      if (target instanceof BatchTexts) target.add(vector, chunk.rows, filled);
      else if (target instanceof Float64Array)
        target.set(new Float64Array(vector.bytes.buffer, vector.bytes.byteOffset, chunk.rows), filled);
      else copyCodes(vector, chunk.rows, target, filled);
    }
    filled += chunk.rows;
  }
  if (filled > 0) yield batch();
}

/** The narrowest integers that hold all places are what the database keeps. */
function copyCodes({ bytes, present }: TypedVector, rows: number, target: Int32Array, at: number): void {
  const wide = bytes.length >= 2 * rows;
  const codes = wide ? new Uint16Array(bytes.buffer, bytes.byteOffset, rows) : bytes;
  for (let row = 0; row < rows; row += 1)
    target[at + row] = present !== null && ((present[row >> 3]! >> (row & 7)) & 1) === 0 ? -1 : codes[row]!;
}

/** A column of a split as SQL: where it stands, and its name there. */
export async function columnSource(
  db: Database,
  artifact: OpenArtifact,
  split: Split,
  name: string,
): Promise<{ readonly source: string; readonly sql: string }> {
  const source = parquetTable(await artifact.path(`${split}.parquet`));
  const [{ sql }] = (await select(db, source, datasetMeta(artifact).columns, [name])) as [SelectedColumn];
  return { source, sql };
}

/** All columns of a split with the SQL of each. */
export async function columnsOf(db: Database, artifact: OpenArtifact, split: Split): Promise<(Column & { readonly sql: string })[]> {
  const { columns } = datasetMeta(artifact);
  const source = parquetTable(await artifact.path(`${split}.parquet`));
  return (
    await select(
      db,
      source,
      columns,
      columns.map(({ name }) => name),
    )
  ).map(({ column, sql }) => ({ ...column, sql }));
}

/** Rows of a split from `start` on. */
export interface RowsOf {
  readonly start: number;
  readonly rows: number;
}

/**
 * The named columns of one split, batch by batch in order.
 *
 * @param source other rows than all of the split, with its columns: as SQL, or by their numbers, whose memory is taken again for the next
 * batch
 */
export async function* columnBatches(
  db: Database,
  artifact: OpenArtifact,
  split: Split,
  names: readonly string[],
  source?: string | RowsOf,
): AsyncGenerator<ColumnBatch> {
  const meta = datasetMeta(artifact);
  if (meta.rows[split] === 0) return;
  const path = await artifact.path(`${split}.parquet`);
  if (typeof source !== 'object') {
    const rows = source ?? parquetTable(path);
    yield* tableBatches(db, rows, await select(db, rows, meta.columns, names), meta.rows[split]);
    return;
  }
  // Groups of rows that lie wholly before or behind are not read.
  const { start, rows } = source;
  const table = `(SELECT * FROM ${parquetTable(path, 'file_row_number = true')} WHERE file_row_number >= ${start} AND file_row_number < ${start + rows})`;
  for await (const batch of tableBatches(db, table, await select(db, table, meta.columns, names), rows, true))
    yield { ...batch, firstRow: start + batch.firstRow };
}

function plainValue(value: DuckDBValue, { type }: Column): unknown {
  if (value === null || type === 'string') return value;
  if (type === 'image') return bytesOf(value);
  if (type === 'timestamp') return new Date(value as number).toISOString();
  return type === 'boolean' ? value === 1 : value;
}

/**
 * Rows of one split as they were ingested, in order and in batches: numbers, texts, true/false, ISO 8601 timestamps, bytes of images;
 * null is a missing value. They are what a request to the model would hold.
 */
export async function* readRows(
  artifact: OpenArtifact,
  split: Split,
  options: { readonly limit?: number; readonly offset?: number } = {},
): AsyncGenerator<Row[]> {
  const { columns, rows } = datasetMeta(artifact);
  const { offset = 0, limit = rows[split] } = options;
  if (rows[split] === 0) return;
  const source = parquetTable(await artifact.path(`${split}.parquet`));
  // Batches leave the connection before the next is read, so that a reader who stops early holds nothing open.
  const step = columns.some((column) => column.type === 'image') ? 2_048 : 20_480;
  for (let start = offset; start < Math.min(rows[split], offset + limit); start += step) {
    const count = Math.min(step, offset + limit - start);
    yield await withDatabase(async (db) => {
      const chosen = await select(
        db,
        source,
        columns,
        columns.map((column) => column.name),
      );
      const values = await db.rows(`SELECT ${chosen.map(expression).join(', ')} FROM ${source} LIMIT ${count} OFFSET ${start}`);
      return values.map((row) => Object.fromEntries(row.map((value, index) => [columns[index]!.name, plainValue(value, columns[index]!)])));
    });
  }
}
