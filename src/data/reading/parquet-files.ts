import { PerennialError } from '../../core/errors.ts';
import { ident, listLiteral, literal, parquetTable, pathLiteral } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import type { SourceFile } from '../readers/reader.ts';
import { shortestOfFloat32Sql } from './float32.ts';
import { dateTextSql } from './moment-text.ts';
import { isNested, nestedJsonSql } from './nested-sql.ts';
import { parquetNames } from './parquet-names.ts';
import type { SourceKind } from './source-column.ts';

/** What a column of a SQL type holds. */
export interface ParquetKind {
  readonly from: SourceKind;
  /** SQL of the value that the reader gives on. */
  readonly sql: (name: string) => string;
  readonly text?: (id: string) => string;
  readonly float32?: true;
  readonly nested?: true;
}

interface ParquetColumn {
  readonly name: string;
  /** As SQL knows it. */
  readonly shown: string;
  readonly type: string;
  readonly kind: ParquetKind;
  /** SQL of the value as the file has it. */
  readonly raw: string;
}

/** Files that follow each other and have the same columns of the same types. */
export interface ParquetPart {
  readonly files: readonly SourceFile[];
  /** SQL of them as a table. */
  readonly table: string;
  readonly columns: readonly ParquetColumn[];
}

/** A column of all parts. */
export interface MergedColumn {
  readonly name: string;
  readonly shown: string;
  readonly kind: ParquetKind;
  /** SQL of its value in each part. */
  readonly sql: readonly string[];
  /** SQL of it as the files have it, where all have it alike. */
  readonly raw: readonly string[];
}

/** Digits of a decimal that the database holds; of longer ones it gives other numbers, and no error. */
const DECIMAL_DIGITS_MAX = 38;

const as = (name: string): string => name;
const double = (name: string): string => `CAST(${name} AS DOUBLE)`;

/** Nested values are texts, as JSON. */
function kindOf(sqlType: string): ParquetKind {
  const type = sqlType.toUpperCase();
  if (isNested(sqlType)) return { from: 'string', sql: (name) => nestedJsonSql(name, sqlType), nested: true };
  if (/^(U?TINYINT|U?SMALLINT|U?INTEGER|BIGINT)$/.test(type)) return { from: 'integer', sql: (name) => `CAST(${name} AS BIGINT)` };
  if (/^(UBIGINT|U?HUGEINT|DECIMAL.*|BIGNUM)$/.test(type))
    return { from: 'exact', sql: as, text: (id) => `decimal_text(CAST(${id} AS VARCHAR))` };
  if (type === 'FLOAT') return { from: 'number', sql: double, float32: true };
  if (type === 'DOUBLE') return { from: 'number', sql: as };
  if (type === 'BOOLEAN') return { from: 'boolean', sql: as };
  if (type === 'DATE') return { from: 'timestamp', sql: (name) => `CAST(${name} AS TIMESTAMP)`, text: dateTextSql };
  if (type.startsWith('TIMESTAMP')) return { from: 'timestamp', sql: (name) => `CAST(${name} AS TIMESTAMP)` };
  if (type === 'BLOB') return { from: 'image', sql: as };
  return { from: 'string', sql: (name) => `CAST(${name} AS VARCHAR)` };
}

/** Before `SourceReading.canonical` values were what the database shows. */
function kindBefore(sqlType: string): ParquetKind {
  if (isNested(sqlType)) return { from: 'string', sql: (name) => `CAST(to_json(${name}) AS VARCHAR)` };
  const { from, sql, text } = kindOf(sqlType);
  return { from, sql, ...(text === undefined || from === 'exact' ? {} : { text }) };
}

/** Names of columns whose values stand in the names of folders: `year=2024/month=03/rows.parquet`. */
function namedFolders(path: string, files: readonly SourceFile[]): string[] {
  const folders = [path, ...files.slice(0, 1).map(({ name }) => name)].flatMap((one) => one.split(/[/\\]/).slice(0, -1));
  return [...new Set(folders.flatMap((folder) => /^([^=*?]+)=/.exec(folder)?.[1] ?? []))];
}

/** The column that tells the file of a row. No program calls one so. */
const FILE = '@perennial file';

/** SQL of the text that stands in the name of a folder: its types follow from our rules, as those of any text. */
function folderSql(name: string): string {
  const pattern = `.*[/\\\\]${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}=([^/\\\\]*)[/\\\\]`;
  return `nullif(nullif(url_decode(regexp_extract(${ident(FILE)}, ${literal(pattern)}, 1)), ''), '__HIVE_DEFAULT_PARTITION__')`;
}

/**
 * The files of a source, divided by what their columns are. Read together they would all be read by the types of the first one, and
 * the database rounds, cuts and leaves out what does not fit those: fractions, times of day, columns that are new.
 *
 * @param path of the source, as the document names it
 * @param expected columns that a model knows: other folders are above its source
 * @param asBefore see `ReadRequest.asBefore`
 * @throws SOURCE_INVALID
 */
export async function parquetParts(
  db: Database,
  files: readonly SourceFile[],
  path: string,
  { expected, asBefore = false }: { readonly expected?: readonly string[]; readonly asBefore?: boolean },
): Promise<ParquetPart[]> {
  const folders = namedFolders(path, files).filter((name) => expected?.includes(name) !== false);
  const parts: ParquetPart[] = [];
  for (const alike of await alikeFiles(db, files)) {
    const table = parquetTable(
      alike.map((file) => file.path),
      folders.length === 0 ? '' : `filename = ${literal(FILE)}`,
    );
    const found = (await db.describe(`SELECT * FROM ${table}`)).filter(({ name }) => name !== FILE);
    const names = await parquetNames(
      db,
      alike,
      found.map(({ name }) => name),
    );
    const own = found.map(({ name: shown, type }, index): ParquetColumn => ({
      name: names[index]!,
      shown,
      type,
      kind: asBefore ? kindBefore(type) : kindOf(type),
      raw: ident(shown),
    }));
    const more = folders
      .filter((name) => !own.some((column) => column.shown.toLowerCase() === name.toLowerCase()))
      .map((name): ParquetColumn => ({ name, shown: name, type: 'VARCHAR', kind: { from: 'text', sql: as }, raw: folderSql(name) }));
    parts.push({ files: alike, table, columns: [...own, ...more] });
  }
  return parts;
}

/** Files that follow each other and are described alike. @throws SOURCE_INVALID for decimals that cannot be read as they are */
async function alikeFiles(db: Database, files: readonly SourceFile[]): Promise<SourceFile[][]> {
  const rows = await db.rows(
    `SELECT file_name, name, concat_ws(' ', type, type_length, coalesce(num_children, 0), converted_type, scale, "precision", CAST(logical_type AS VARCHAR)), coalesce("precision", 0) FROM parquet_schema(${listLiteral(files.map((file) => pathLiteral(file.path)))})`,
  );
  const schemas = new Map<string, string[]>();
  for (const [file, name, type, digits] of rows) {
    const path = String(file);
    if (Number(digits) > DECIMAL_DIGITS_MAX)
      throw new PerennialError(
        'SOURCE_INVALID',
        `${files.find((one) => one.path === path)?.name ?? path}: the column "${String(name)}" holds decimals of up to ${String(digits)} digits; at most ${DECIMAL_DIGITS_MAX} are read.`,
        { hint: `Write it as a decimal of at most ${DECIMAL_DIGITS_MAX} digits, as a double, or as a text.` },
      );
    const schema = schemas.get(path) ?? [];
    schema.push(JSON.stringify([String(name), String(type)]));
    schemas.set(path, schema);
  }
  const groups: SourceFile[][] = [];
  let before: string | undefined;
  for (const file of files) {
    // What the root is called says nothing.
    const schema = (schemas.get(file.path) ?? []).slice(1).join('\n');
    if (schema === before) groups.at(-1)!.push(file);
    else groups.push([file]);
    before = schema;
  }
  return groups;
}

/**
 * The columns of all parts, each of one kind: whole numbers and fractions are numbers, days and moments are moments, decimals have the
 * digits of all.
 *
 * @throws SOURCE_INVALID where columns are not in all files, or of kinds that do not go together
 */
export async function mergedColumns(db: Database, parts: readonly ParquetPart[]): Promise<MergedColumn[]> {
  const [first, ...others] = parts as [ParquetPart, ...ParquetPart[]];
  for (const part of others) {
    const lacks = (a: ParquetPart, b: ParquetPart): void => {
      const lacked = a.columns.find((column) => columnOf(b, column) === undefined);
      if (lacked !== undefined)
        throw new PerennialError('SOURCE_INVALID', `${b.files[0]!.name} has no column "${lacked.name}", and ${a.files[0]!.name} has one.`, {
          hint: 'The files of a source have the same columns: correct the file, or name the files more closely in "path".',
        });
    };
    lacks(first, part);
    lacks(part, first);
  }
  const merged: MergedColumn[] = [];
  for (const column of first.columns) {
    const own = parts.map((part) => ({ part, column: columnOf(part, column)! }));
    const kinds = new Set(own.map((one) => one.column.type));
    const { kind, sql } =
      kinds.size === 1 ? { kind: column.kind, sql: own.map((one) => one.column.kind.sql(one.column.raw)) } : await commonKind(db, own);
    merged.push({ name: column.name, shown: column.shown, kind, sql, raw: kinds.size === 1 ? own.map((one) => one.column.raw) : sql });
  }
  return merged;
}

/** Columns of several files are put together by their names, whatever their case. */
function columnOf({ columns }: ParquetPart, { name }: ParquetColumn): ParquetColumn | undefined {
  return columns.find((one) => one.name === name) ?? columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
}

interface OwnColumn {
  readonly part: ParquetPart;
  readonly column: ParquetColumn;
}

async function commonKind(
  db: Database,
  own: readonly OwnColumn[],
): Promise<{ readonly kind: ParquetKind; readonly sql: readonly string[] }> {
  // A column without any value has the type that the others have.
  const filled: OwnColumn[] = [];
  for (const one of own) {
    const [count] = await db.rows(
      `SELECT count(*) FROM (SELECT ${one.column.raw} AS v FROM ${one.part.table}) WHERE v IS NOT NULL LIMIT 1`,
    );
    if (Number(count![0]) > 0) filled.push(one);
  }
  const [first = own[0]!, ...others] = filled;
  const given = (kind: ParquetKind, sql: (one: OwnColumn) => string, none: string) => ({
    kind,
    sql: own.map((one) => (filled.length === 0 || filled.includes(one) ? sql(one) : `CAST(NULL AS ${none})`)),
  });
  const all = (test: (column: ParquetColumn) => boolean): boolean => filled.every(({ column }) => test(column));
  if (others.every(({ column }) => column.type === first.column.type)) {
    const [type] = await db.describe(`SELECT ${first.column.kind.sql(first.column.raw)} AS v FROM ${first.part.table}`);
    return given(
      first.column.kind,
      (one) => (filled.length === 0 ? `CAST(NULL AS ${type!.type})` : one.column.kind.sql(one.column.raw)),
      type!.type,
    );
  }
  if (all(({ kind }) => kind.from === 'integer')) return given(kindOf('BIGINT'), ({ column }) => `CAST(${column.raw} AS BIGINT)`, 'BIGINT');
  if (all(({ kind }) => kind.from === 'timestamp'))
    return given(kindOf('TIMESTAMP'), ({ column }) => `CAST(${column.raw} AS TIMESTAMP)`, 'TIMESTAMP');
  if (all(({ kind }) => kind.from === 'integer' || kind.from === 'number')) {
    for (const { part, column } of filled.filter((one) => one.column.kind.from === 'integer')) {
      const [beyond] = await db.rows(
        `SELECT count(*) FROM ${part.table} WHERE CAST(${column.raw} AS BIGINT) NOT BETWEEN -${DATA_LIMITS.integerMax} AND ${DATA_LIMITS.integerMax}`,
      );
      if (Number(beyond![0]) > 0) throw differ(first, others);
    }
    return given(
      kindOf('DOUBLE'),
      ({ column }) => (column.kind.float32 === true ? shortestOfFloat32Sql(double(column.raw)) : double(column.raw)),
      'DOUBLE',
    );
  }
  const decimals = filled.map(({ column }) => decimalOf(column.type));
  const scale = Math.max(...decimals.map((one) => one?.scale ?? 0));
  const whole = Math.max(...decimals.map((one) => one?.whole ?? 0));
  if (!decimals.includes(undefined) && whole + scale <= DECIMAL_DIGITS_MAX) {
    const type = `DECIMAL(${whole + scale}, ${scale})`;
    return given(kindOf(type), ({ column }) => `CAST(${column.raw} AS ${type})`, type);
  }
  const other = others.find(({ column }) => column.type !== first.column.type)!;
  throw differ(first, [other]);
}

/** Digits before and after the point that a type may have; undefined where it is none of exact numbers. */
function decimalOf(type: string): { readonly whole: number; readonly scale: number } | undefined {
  const [, digits, scale] = /^DECIMAL\((\d+), ?(\d+)\)$/i.exec(type) ?? [];
  if (digits !== undefined) return { whole: Number(digits) - Number(scale), scale: Number(scale) };
  if (/^(U?TINYINT|U?SMALLINT|U?INTEGER|BIGINT)$/i.test(type)) return { whole: 19, scale: 0 };
  return type.toUpperCase() === 'UBIGINT' ? { whole: 20, scale: 0 } : undefined;
}

function differ(one: OwnColumn, others: readonly OwnColumn[]): PerennialError {
  const other = others[0]!;
  return new PerennialError(
    'SOURCE_INVALID',
    `The column "${one.column.name}" is of type ${other.column.type} in ${other.part.files[0]!.name}, and of type ${one.column.type} in ${one.part.files[0]!.name}.`,
    { hint: 'The files of a source have columns of the same types: write them again with one of both.' },
  );
}

/** How images begin that are read, in hexadecimal digits. */
const IMAGES = '^(89504E47|FFD8FF|47494638|52494646........57454250|4949(2A|2B)00|4D4D00(2A|2B)|........66747970)';
/** Values of a column of bytes that are looked at. */
const LOOKED_AT = 200;

/** Whether a column of bytes holds none of the images that are read; nothing but missing values could be images. */
export async function holdsNoImages(db: Database, { sql }: MergedColumn, parts: readonly ParquetPart[]): Promise<boolean> {
  for (const [index, { table }] of parts.entries()) {
    const values = `(SELECT v FROM (SELECT ${sql[index]!} AS v FROM ${table}) WHERE octet_length(v) > 0 LIMIT ${LOOKED_AT})`;
    const [counts] = await db.rows(
      `SELECT count(*), count_if(regexp_matches(hex(array_slice(v, 1, 12)), ${literal(IMAGES)})) FROM ${values}`,
    );
    if (Number(counts![0]) > 0) return Number(counts![1]) === 0;
  }
  return false;
}

/** Characters that stand in no text of people. */
const CONTROLS = '[\\x00-\\x08\\x0E-\\x1F]';

/** SQL of bytes as text: older programs write texts so; what is no text is written in base64. Each value by itself, whatever others are. */
export const bytesAsTextSql = (bytes: string): string =>
  `CASE WHEN NOT regexp_matches(TRY(decode(${bytes})), ${literal(CONTROLS)}) THEN TRY(decode(${bytes})) ELSE to_base64(${bytes}) END`;
