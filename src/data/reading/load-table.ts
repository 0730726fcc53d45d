import { PerennialError } from '../../core/errors.ts';
import { SQL_TYPES, measureAll } from '../table/columns.ts';
import { literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import type { RawTable } from '../readers/reader.ts';
import { isOddSql, textSql, valueSql } from './column-sql.ts';
import { withDigest, xorOf } from './digest.ts';
import { inferTypes } from './infer.ts';
import { appendPlainRows } from './plain-scan.ts';
import type { PlainKind } from './plain-rows.ts';
import type { DeclaredTypes, Inferred } from './infer.ts';
import type { RawColumn, TypedColumn } from './source-column.ts';

export interface LoadRequest {
  readonly db: Database;
  readonly raw: RawTable;
  readonly declared: DeclaredTypes;
  /** Columns that are left out. */
  readonly exclude: readonly string[];
  /** Columns that the document names for a purpose: they stay whatever they look like. */
  readonly named: readonly string[];
  readonly rows: 'all' | { readonly sample: number };
  /** Columns that the document uses as points in time. */
  readonly moments?: readonly string[];
  /** Share of the rows that may be set aside; 0.05 where left out. */
  readonly budget?: number;
}

export interface LoadedTable {
  readonly raw: RawTable;
  readonly columns: readonly TypedColumn[];
  readonly notes: readonly string[];
}

/** Names under which programs export an index of their own. */
const EXPORTED = /^(unnamed: \d+|index|level_0|__index_level_\d+__)$/i;
/** Names of numbers of rows; a column of another name that counts up may mean something. */
const NUMBERING =
  /^(row|rows|row[ _-]?(id|no|nr|num|number|index)|rowname|rownames|record|record[ _-]?(id|no|number)|line|line[ _-]?(no|number)|id|no|nr|num|#|lfd\.?( ?nr\.?)?)$/i;

/** A table that has fewer rows than this may count up by chance. */
const COUNTED_ROWS_MIN = 10;

/**
 * Makes the temporary table `data` of a source: the typed columns c0, c1, …, `digest`, and `identity`: what `identitySql` gives for all
 * columns, where the reader could tell it as well; whoever changes a value makes it NULL. Types are supposed from the first rows and
 * proved on all of them while they are read; where a supposition fails, all rows are measured and read again. Rows with values that
 * are not of a declared type move to `rejects`. Row numbers that somebody exported are left out, and said.
 *
 * @throws SOURCE_INVALID, CONFIG_INVALID
 */
export async function loadTable(request: LoadRequest): Promise<LoadedTable> {
  try {
    return await load(request);
  } catch (error) {
    const repaired = await request.raw.repair?.(error);
    if (repaired === undefined) throw error;
    return loadTable({ ...request, raw: repaired });
  }
}

async function load({ db, raw, declared, exclude, named, rows, moments = [], budget = 0.05 }: LoadRequest): Promise<LoadedTable> {
  const wanted = raw.columns.filter(({ name }) => !exclude.includes(name));
  const untyped = wanted.some(({ name, from }) => from === 'text' && !Object.hasOwn(declared, name));
  await db.run(`CREATE OR REPLACE TEMP TABLE sample AS SELECT * FROM ${raw.source({ first: DATA_LIMITS.sampleRows })}`);
  const [seen] = await db.rows('SELECT count(*) FROM sample');
  const whole = Number(seen![0]) < DATA_LIMITS.sampleRows;
  // Of rows that are drawn from all over the source nothing more is asked.
  const table =
    rows !== 'all'
      ? `(SELECT * FROM sample UNION ALL SELECT * FROM ${raw.source(rows)})`
      : untyped || whole
        ? 'sample'
        : raw.source('again');
  const infer = async (from: string, some: boolean): Promise<Inferred> =>
    withNulls(await inferTypes(db, wanted, declared, from, { some, moments, budget }), raw);
  let inferred = await infer(table, rows !== 'all' || (untyped && !whole));
  // A form of dates that the first rows leave open may be decided by later ones.
  const open = inferred.columns.some(({ name, type }) => moments.includes(name) && type === 'string');
  if (open && rows === 'all' && untyped && !whole) inferred = await infer(raw.source('again'), false);
  let left = await rowNumbers(db, inferred.columns, wanted, [...named, ...Object.keys(declared)], 'sample');
  await db.run('DROP TABLE sample');
  let general =
    rows !== 'all' || Number(seen![0]) * wanted.length < PLAIN_VALUES_MIN || !(await createPlain(db, raw, kept(inferred, left)));
  let odd = !general ? 0 : await create(db, raw, kept(inferred, left), declared, rows);
  const again = `(SELECT * FROM ${raw.source('again')})`;
  const numbering =
    rows !== 'all' || whole || left.length === 0
      ? left
      : await rowNumbers(
          db,
          inferred.columns.filter(({ name }) => left.some((one) => one.name === name)),
          wanted,
          [],
          again,
        );
  if (rows === 'all' && !whole && (odd > 0 || numbering.length < left.length)) {
    if (odd > 0) inferred = await infer(raw.source('again'), false);
    left = numbering;
    general = true;
    odd = await create(db, raw, kept(inferred, left), declared, rows);
    if (odd > 0) throw new PerennialError('SOURCE_CHANGED', 'The source changed while its types were found.');
  }
  if (general) {
    await raw.rejects?.();
    await rejectOdd(db);
    await db.run('ALTER TABLE data DROP COLUMN odd; ALTER TABLE data DROP COLUMN reason; ALTER TABLE data DROP COLUMN content');
    await db.run('ALTER TABLE data ADD COLUMN identity UBIGINT');
  }
  const said = left.map(
    ({ name, kept: stays }) =>
      `The column ${name.startsWith('column_') ? `${name} (it has no name)` : `"${name}"`} ${stays ? 'is no feature unless the document names it as one' : 'is left out'}: it numbers the rows. Declare "columns": {"${name}": "integer"} to treat it as any other.`,
  );
  return {
    raw,
    columns: kept(inferred, left),
    notes: [...raw.notes, ...said, ...inferred.notes.filter((note) => !left.some(({ name }) => note.includes(`"${name}"`)))],
  };
}

/** The reader takes texts for a missing value out where they stand so; -999.0 is the same value as -999. */
function withNulls(inferred: Inferred, { nullValues }: RawTable): Inferred {
  if (nullValues.length === 0) return inferred;
  return { ...inferred, columns: inferred.columns.map((column) => ({ ...column, nullValues, nullsTaken: true as const })) };
}

function kept({ columns }: Inferred, numbers: readonly RowNumber[]): TypedColumn[] {
  return columns.flatMap((column) => {
    const number = numbers.find(({ name }) => name === column.name);
    return number === undefined ? [column] : number.kept ? [{ ...column, origin: true as const }] : [];
  });
}

interface RowNumber {
  readonly name: string;
  /** It stays in the dataset, since it may be the identity of a row, but is nothing to learn from. */
  readonly kept: boolean;
}

/** Columns that hold nothing but the number of the row. */
async function rowNumbers(
  db: Database,
  columns: readonly TypedColumn[],
  raw: readonly RawColumn[],
  named: readonly string[],
  table: string,
): Promise<RowNumber[]> {
  // Of a thousand columns few are called so, and counting the different values of all takes a minute.
  const isUnnamed = (name: string): boolean => raw.find((one) => one.name === name)?.unnamed === true;
  const candidates = columns.filter(
    ({ name, type }) => type === 'integer' && !named.includes(name) && (isUnnamed(name) || EXPORTED.test(name) || NUMBERING.test(name)),
  );
  if (candidates.length === 0) return [];
  const values = await measureAll(
    db,
    candidates.flatMap((column) => {
      const value = valueSql(column);
      return ['count(*)', `count(DISTINCT ${value})`, `count_if(${value} IS NULL)`, `max(${value} - r) - min(${value} - r)`];
    }),
    `(SELECT *, row_number() OVER () AS r FROM ${table})`,
  );
  return candidates.flatMap(({ name }, index): RowNumber[] => {
    const [rows, distinct, missing, spread] = values.slice(4 * index, 4 * index + 4) as [number, number, number, number];
    if (missing > 0 || distinct < rows || rows < COUNTED_ROWS_MIN) return [];
    if (isUnnamed(name) || (spread === 0 && EXPORTED.test(name))) return [{ name, kept: false }];
    return spread === 0 && NUMBERING.test(name) ? [{ name, kept: true }] : [];
  });
}

/** From so many values among the first rows on, looking whether rows are plain is worth it. */
const PLAIN_VALUES_MIN = 50_000;

/** Types that plain rows are read as, where nothing is declared of how their texts are written. */
const PLAIN_KINDS: Partial<Record<TypedColumn['type'], PlainKind>> = { number: 'number', integer: 'integer', string: 'string' };

/** @returns false where the rows are not as plain as that, and nothing was made */
async function createPlain(db: Database, raw: RawTable, columns: readonly TypedColumn[]): Promise<boolean> {
  const { plain } = raw;
  if (plain === undefined || plain.nullValues.some((text) => /^[+-]?[\d.]/.test(text))) return false;
  const kinds = raw.columns.map(({ name, from, text }): PlainKind | undefined => {
    const typed = columns.find((column) => column.name === name);
    if (typed === undefined) return 'leave';
    return from !== 'text' || text !== undefined || typed.format !== undefined ? undefined : PLAIN_KINDS[typed.type];
  });
  if (kinds.includes(undefined)) return false;
  await raw.forget?.();
  const read = raw.columns.flatMap(({ name }) => columns.find((column) => column.name === name) ?? []);
  await db.run(
    `CREATE OR REPLACE TEMP TABLE data (${[...read.map(({ id, type }) => `${id} ${SQL_TYPES[type]}`), 'digest UBIGINT', 'identity UBIGINT'].join(', ')})`,
  );
  return appendPlainRows(db, 'data', { ...plain, columns: raw.columns.map(({ name }, index) => ({ name, kind: kinds[index]! })) });
}

/** Every part of an expression takes memory of its own while it is computed: wide tables are typed in groups of columns. */
const COLUMNS_AT_ONCE = 60;

/** @returns rows with a value that an inferred type does not fit */
async function create(
  db: Database,
  raw: RawTable,
  columns: readonly TypedColumn[],
  declared: DeclaredTypes,
  rows: LoadRequest['rows'],
): Promise<number> {
  await raw.forget?.();
  if (columns.length <= COLUMNS_AT_ONCE)
    await db.run(`CREATE OR REPLACE TEMP TABLE data AS SELECT * FROM ${typedSql(raw, columns, declared, raw.source(rows))}`);
  else await createWide(db, raw, columns, declared, rows);
  if (rows !== 'all') return 0;
  const [count] = await db.rows('SELECT count_if(odd) FROM data');
  return Number(count![0]);
}

/** SQL of a table with the typed columns, their digest, and `odd`, `reason` and `content` of rows that cannot be used. */
function typedSql(raw: RawTable, columns: readonly TypedColumn[], declared: DeclaredTypes, source: string): string {
  const values = columns.map((column) => ({ column, sql: valueSql(column) }));
  const typed = values.map(({ column, sql }) => `CAST(${sql} AS ${SQL_TYPES[column.type]}) AS ${column.id}`);
  const isDeclared = ({ name }: TypedColumn): boolean => Object.hasOwn(declared, name);
  const odd = values
    .filter(({ column }) => !isDeclared(column) && column.from === 'text' && column.type !== 'string')
    .map(({ column, sql }) => misfitSql(column, sql));
  const bad = values
    .filter(({ column, sql }) => isDeclared(column) && isOddSql(column, sql) !== 'false')
    .map(
      ({ column, sql }) =>
        `WHEN ${isOddSql(column, sql)} THEN ${literal(`"${column.name}" is no ${column.type}: `)} || left(CAST(${column.id} AS VARCHAR), 60)${beyondSql(column)}`,
    );
  const reason = bad.length === 0 ? 'CAST(NULL AS VARCHAR)' : `CASE ${bad.join(' ')} END`;
  const content = `CAST(json_object(${columns.flatMap((column) => (column.from === 'image' ? [] : [`${literal(column.name)}, left(CAST(${textSql(column)} AS VARCHAR), 200)`])).join(', ')}) AS VARCHAR)`;
  const inner = `(SELECT ${[...typed, `${anyOf(odd)} AS odd`, `${reason} AS reason`, `${bad.length === 0 ? 'CAST(NULL AS VARCHAR)' : `CASE WHEN ${reason} IS NOT NULL THEN ${content} END`} AS content`].join(', ')} FROM ${source})`;
  return withDigest(
    inner,
    columns
      .filter(({ name }) => raw.columns.find((column) => column.name === name)?.origin !== true)
      .map(({ id, name, type }) => ({ name, type, sql: id })),
  );
}

/** SQL of what is added where a whole number is too large to be one of ours. */
function beyondSql({ id, type }: TypedColumn): string {
  if (type !== 'integer') return '';
  const why = ` (beyond ${Number.MAX_SAFE_INTEGER}: declare it as "string")`;
  return ` || CASE WHEN regexp_full_match(trim(CAST(${id} AS VARCHAR)), '[-+]?[0-9]{16,}') THEN ${literal(why)} ELSE '' END`;
}

async function createWide(
  db: Database,
  raw: RawTable,
  columns: readonly TypedColumn[],
  declared: DeclaredTypes,
  rows: LoadRequest['rows'],
): Promise<void> {
  await db.run(`CREATE OR REPLACE TEMP TABLE untyped AS SELECT * FROM ${raw.source(rows)}`);
  const groups = Array.from({ length: Math.ceil(columns.length / COLUMNS_AT_ONCE) }, (_, index) =>
    columns.slice(index * COLUMNS_AT_ONCE, (index + 1) * COLUMNS_AT_ONCE),
  );
  for (const [index, group] of groups.entries())
    await db.run(`CREATE OR REPLACE TEMP TABLE group_${index} AS SELECT * FROM ${typedSql(raw, group, declared, 'untyped')}`);
  await db.run('DROP TABLE untyped');
  const of = (name: string): string[] => groups.map((_, index) => `group_${index}.${name}`);
  const list = groups.map((group, index) => group.map(({ id }) => `group_${index}.${id}`).join(', ')).join(', ');
  await db.run(
    `CREATE OR REPLACE TEMP TABLE data AS SELECT ${list}, ${xorOf(of('digest'))} AS digest, ${anyOf(of('odd'))} AS odd, coalesce(${of('reason').join(', ')}) AS reason, coalesce(${of('content').join(', ')}) AS content FROM ${groups.map((_, index) => `group_${index}`).join(' POSITIONAL JOIN ')}`,
  );
  for (const index of groups.keys()) await db.run(`DROP TABLE group_${index}`);
}

/** SQL: one of the conditions holds. As a tree, since a chain of thousands would be deeper than the database lets it be. */
function anyOf(conditions: readonly string[]): string {
  if (conditions.length < 100) return conditions.length === 0 ? 'false' : `(${conditions.join(' OR ')})`;
  const middle = conditions.length >> 1;
  return `(${anyOf(conditions.slice(0, middle))} OR ${anyOf(conditions.slice(middle))})`;
}

/** SQL: a text is none of the inferred type. Only the branch that a value comes to is computed for it, and patterns are slow. */
function misfitSql(column: TypedColumn, value: string): string {
  const code = column.type === 'number' || column.type === 'integer' ? codeOf(column, value) : 'false';
  return `CASE WHEN ${value} IS NOT NULL THEN ${code} WHEN ${column.id} IS NULL THEN false ELSE ${isOddSql(column, value)}${code === 'false' ? '' : ` OR ${code}`} END`;
}

/** SQL: the text is a code, which makes its column one of texts: a zero and a digit stand in front, or the number would not be exact. */
function codeOf({ id, type }: TypedColumn, value: string): string {
  const zeros = `((${id} >= '00' AND ${id} < '0:') OR (${id} >= '-00' AND ${id} < '-0:'))`;
  return type === 'integer'
    ? zeros
    : `(${zeros} OR CASE WHEN abs(${value}) > ${DATA_LIMITS.integerMax} THEN regexp_full_match(${id}, '\\s*[+-]?\\d+\\s*') ELSE false END)`;
}

async function rejectOdd(db: Database): Promise<void> {
  await db.run('INSERT INTO rejects SELECT rowid + 1, reason, content FROM data WHERE reason IS NOT NULL ORDER BY rowid');
  await db.run('DELETE FROM data WHERE reason IS NOT NULL');
}

/** Moves rows of `data` to `rejects`. @returns how many */
export async function rejectRows(db: Database, columns: readonly TypedColumn[], where: string, reason: string): Promise<number> {
  const [count] = await db.rows(`SELECT count(*) FROM data WHERE ${where}`);
  if (Number(count![0]) === 0) return 0;
  await db.run(`INSERT INTO rejects SELECT rowid + 1, ${reason}, ${contentSql(columns)} FROM data WHERE ${where} ORDER BY rowid`);
  await db.run(`DELETE FROM data WHERE ${where}`);
  return Number(count![0]);
}

/** SQL of what `rejects` says of a row of `data`. */
export function contentSql(columns: readonly TypedColumn[]): string {
  return `CAST(json_object(${columns.flatMap(({ name, id, type }) => (type === 'image' ? [] : [`${literal(name)}, left(CAST(${id} AS VARCHAR), 200)`])).join(', ')}) AS VARCHAR)`;
}
