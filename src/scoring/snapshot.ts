import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PerennialError } from '../core/errors.ts';
import { rejectedLines } from './rejected-lines.ts';
import type { RejectedLine } from './rejected-lines.ts';
import { SQL_TYPES } from '../data/table/columns.ts';
import { literal, parquetTable, withDatabase } from '../data/table/duckdb.ts';
import type { Database } from '../data/table/duckdb.ts';
import { sortedText } from '../data/preprocess/series.ts';
import type { Sorted } from '../data/preprocess/series.ts';
import type { ReadColumn, ReadTable } from '../data/reading/read-as.ts';
import { readTable } from '../data/reading/read-as.ts';
import type { Preprocessor } from '../data/stored/dataset.ts';
import { RequestError } from '../serving/request-error.ts';
import { checkRows } from '../serving/source-rows.ts';
import type { Servable } from '../serving/servable.ts';
import { KeptColumns } from './kept-columns.ts';
import type { KeptColumn } from './kept-columns.ts';
import type { RowsSource } from './open-source.ts';
import { ROWS_FILE } from './score-task.ts';
import type { ScoreTask } from './score-task.ts';

/** What is known of `rows.parquet`: all rows of the source, read as the model reads them, in their order. */
export interface Snapshot {
  readonly formatVersion: 1;
  readonly rows: number;
  readonly malformed: readonly RejectedLine[];
  readonly kept: readonly KeptColumn[];
  /** Columns of the model whose values are images: paths and base64, or the bytes. */
  readonly images: readonly { readonly name: string; readonly bytes: boolean }[];
  readonly notes: readonly string[];
  /** The rows were sorted by time, and hold their places in the source (`place`, from 0). */
  readonly sorted?: true;
}

const FACTS_FILE = 'rows.json';
/** Rows that are skipped or read together: a part is some of them. */
const GROUP_ROWS = 16_384;

/** Value of a column of the model; its text where it cannot be read. */
export const valueId = (index: number): string => `v${index}`;
export const textId = (index: number): string => `t${index}`;

/** The snapshot that an earlier try made; undefined where there is none. */
export async function readSnapshot(folder: string): Promise<Snapshot | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, FACTS_FILE), 'utf8')) as Snapshot;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Reads the source once, into a file of known types whose rows can be asked for by their numbers: what happens to the source afterwards
 * changes nothing, and processes share it.
 *
 * @param rowsMax of more, so many are drawn, the same each time; of series the last ones
 * @throws SOURCE_EMPTY, SOURCE_INVALID, COLUMN_MISSING
 */
export async function takeSnapshot(
  task: Pick<ScoreTask, 'source' | 'keep' | 'format'>,
  source: RowsSource,
  about: Pick<Servable, 'preprocessor' | 'sourceColumns'>,
  folder: string,
  signal: AbortSignal | undefined,
  rowsMax?: number,
): Promise<Snapshot> {
  const { preprocessor } = about;
  const kept = new KeptColumns(task, preprocessor.reading, preprocessor.series?.sequence.key?.map(({ name }) => name) ?? [], source.origin);
  const columns = [
    ...preprocessor.columns.map(({ name, type }) => ({ name, type: type === 'image' ? ('string' as const) : type })),
    ...kept.typed.filter(({ name }) => !preprocessor.columns.some((column) => column.name === name)),
  ];
  const facts = await withDatabase(async (db) => {
    const file = await source.open(db, join(folder, 'reading'));
    return readTable(file, columns, async (table) => {
      checkNames(task, table, about);
      const chosen = kept.choose(table);
      const target = join(folder, ROWS_FILE);
      await db.run(
        `COPY (SELECT *, ${suspectSql(preprocessor)} AS bad FROM (SELECT ${listOf(preprocessor, table).concat(chosen.sql).join(', ')} FROM ${drawnFrom(table.source, preprocessor, rowsMax)})) TO ${literal(`${target}.part`)} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE ${GROUP_ROWS})`,
      );
      const sorted = await sortByTime(db, preprocessor, `${target}.part`, target);
      if (sorted === undefined) await rename(`${target}.part`, target);
      else await rm(`${target}.part`);
      const malformed = await rejectedLines(db, table);
      const [count] = await db.rows(`SELECT count(*) FROM ${parquetTable(target)}`);
      return {
        formatVersion: 1,
        rows: Number(count![0]),
        malformed,
        kept: await chosen.settle(db, parquetTable(target)),
        images: preprocessor.columns
          .filter(({ type }) => type === 'image')
          .map(({ name }) => ({ name, bytes: table.raw.find((column) => column.name === name)?.from === 'image' })),
        notes: [...source.notes, ...table.notes, ...(sorted === undefined ? [] : [sortedText(task.source.path, sorted)])],
        ...(sorted === undefined ? {} : { sorted: true as const }),
      } satisfies Snapshot;
    });
  }, signal);
  if (facts.rows === 0)
    throw new PerennialError(
      'SOURCE_EMPTY',
      facts.malformed.length === 0
        ? `${task.source.path} holds no rows.`
        : `${task.source.path} holds no row that can be read; the first of ${facts.malformed.length} malformed ones: ${facts.malformed[0]!.error}.`,
    );
  await writeFile(join(folder, `${FACTS_FILE}.part`), JSON.stringify(facts));
  await rename(join(folder, `${FACTS_FILE}.part`), join(folder, FACTS_FILE));
  return facts;
}

/**
 * Training sorts the rows of series by time: where some row is earlier than the one before in its series, so are these, with their places
 * in the source beside them.
 *
 * @returns undefined where there is nothing to sort
 */
async function sortByTime(db: Database, { series, columns }: Preprocessor, from: string, to: string): Promise<Sorted | undefined> {
  const by = columns.findIndex(({ name }) => name === series?.by.name);
  if (series === undefined || by === -1) return undefined;
  const keys = (series.sequence.key ?? []).map(({ name }) => valueId(columns.findIndex((column) => column.name === name)));
  const time = valueId(by);
  const partition = keys.length === 0 ? '' : `PARTITION BY ${keys.join(', ')} `;
  const source = parquetTable(from, 'file_row_number = true');
  const [found] = await db.rows(
    `SELECT count(*), min(r) FROM (SELECT file_row_number AS r, ${time} < lag(${time}) OVER (${partition}ORDER BY file_row_number) AS back FROM ${source} WHERE ${time} IS NOT NULL) WHERE back`,
  );
  const [rows, first] = found!.map(Number) as [number, number];
  if (rows === 0) return undefined;
  await db.run(
    `COPY (SELECT * EXCLUDE (file_row_number), file_row_number AS place FROM ${source} ORDER BY ${time} NULLS LAST, file_row_number) TO ${literal(to)} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE ${GROUP_ROWS})`,
  );
  return { by: series.by.name, rows, first };
}

/** SQL of the columns of the model: values, and texts of what cannot be read. */
function listOf(preprocessor: Preprocessor, table: ReadTable): string[] {
  const own = preprocessor.columns.map((column, index) => ({ ...column, index, read: table.columns[index]! }));
  return [
    ...own.map(({ index, type, read }) =>
      type === 'image' ? `${imageSql(read, table)} AS ${valueId(index)}` : `CAST(${read.value} AS ${sqlType(type)}) AS ${valueId(index)}`,
    ),
    ...own.map(({ index, type, read }) =>
      type === 'image' || read.odd === 'false'
        ? `CAST(NULL AS VARCHAR) AS ${textId(index)}`
        : `CASE WHEN ${read.odd} THEN CAST(${read.text} AS VARCHAR) END AS ${textId(index)}`,
    ),
  ];
}

/** Rows of a table in their order: by digests of their places, so that one pass draws them in bounded memory. */
function drawnFrom(source: string, { series }: Preprocessor, rowsMax: number | undefined): string {
  if (rowsMax === undefined) return source;
  const placed = `(SELECT *, row_number() OVER () AS "@place" FROM ${source})`;
  const first = series === undefined ? 'hash("@place"), "@place"' : '"@place" DESC';
  return `(SELECT * FROM ${placed} ORDER BY ${first} LIMIT ${rowsMax}) ORDER BY "@place"`;
}

/** SQL over the columns of {@link listOf}: the row is worth a closer look. */
function suspectSql({ columns }: Preprocessor): string {
  const tests = columns.flatMap(({ required, type }, index) =>
    type === 'image' ? [] : [`${textId(index)} IS NOT NULL`, ...(required ? [`${valueId(index)} IS NULL`] : [])],
  );
  return tests.length === 0 ? 'false' : `(${tests.join(' OR ')})`;
}

/** Whole numbers may have fractions in a file of another day. */
const sqlType = (type: keyof typeof SQL_TYPES): string => SQL_TYPES[type === 'integer' ? 'number' : type];

function imageSql({ column, value }: ReadColumn, table: ReadTable): string {
  const raw = table.raw.find(({ name }) => name === column.name);
  return raw?.from === 'image' ? raw.id : value;
}

/** @throws COLUMN_MISSING where the file lacks what the model needs, or has it under a name that looks misspelt */
function checkNames(task: Pick<ScoreTask, 'source'>, { names }: ReadTable, about: Pick<Servable, 'preprocessor' | 'sourceColumns'>): void {
  const row = Object.fromEntries(names.map((name) => [name, null]));
  try {
    checkRows(
      about as Servable,
      Array.from({ length: about.preprocessor.windowSize }, () => row),
    );
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new PerennialError('COLUMN_MISSING', `${task.source.path}${error.message.replace(/^row 0,?/i, '')}`, {
      hint: `The model reads ${about.preprocessor.columns.map(({ name }) => name).join(', ')}; the file has ${names.slice(0, 50).join(', ')}${names.length > 50 ? ', …' : ''}.`,
    });
  }
}
