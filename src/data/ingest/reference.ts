import { PerennialError } from '../../core/errors.ts';
import { measureAll } from '../table/columns.ts';
import { literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import type { RawColumn } from '../reading/source-column.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import type { DeclaredTypes } from '../reading/infer.ts';
import type { ColumnProfile, DatasetProfile, SourceReading } from '../stored/dataset.ts';

/** What a document says of the version that its data are compared with. */
export interface ReferenceConfig {
  readonly version?: string | number;
  /** Columns whose change is right. */
  readonly accept?: readonly string[];
}

/** How the data looked that the last version was made from. */
export interface ReferenceSchema {
  /** For messages, e.g. "penguins version 3". */
  readonly text: string;
  readonly reading: SourceReading;
  readonly profile: DatasetProfile;
}

/** Rows below which nothing is concluded from the values of a column. */
const ROWS_MIN = 20;
/** A column whose middle moved by this factor, to where it never was, is in another unit. */
const UNIT_FACTOR = 8;

/**
 * The types that columns are read with: those of the reference, where the document declares none, so that a value which does not fit
 * goes to the quarantine and no column changes its type for the sake of one cell.
 */
export function typesOfReference({ reading }: ReferenceSchema, accepted: readonly string[], raw: readonly RawColumn[]): DeclaredTypes {
  const known = reading.columns.filter(
    ({ name, type }) =>
      type !== 'image' &&
      !accepted.includes(name) &&
      raw.some((column) => column.name === name && column.from !== 'image' && column.fixed !== true),
  );
  // Whole numbers may get fractions.
  return Object.fromEntries(
    known.map(({ name, type, format }) => [
      name,
      { type: type === 'integer' ? 'number' : type, ...(format === undefined ? {} : { format }) },
    ]),
  );
}

/** @throws SCHEMA_CHANGED for columns that are not there any more */
export function checkVanished({ text, reading }: ReferenceSchema, names: readonly string[], left: readonly string[]): void {
  const gone = reading.columns.filter(({ name }) => !names.includes(name) && !left.includes(name)).map(({ name }) => name);
  if (gone.length === 0) return;
  const added = names.filter((name) => !reading.columns.some((column) => column.name === name));
  throw changed(
    `The source has no column ${gone.map((name) => `"${name}"`).join(', ')} any more, which ${text} was made from${
      added.length === 0
        ? ''
        : `; it has ${added
            .slice(0, 5)
            .map((name) => `"${name}"`)
            .join(', ')} instead`
    }.`,
    gone,
  );
}

/** Columns that are new. */
export function newColumnNotes({ text, reading }: ReferenceSchema, columns: readonly TypedColumn[]): string[] {
  const added = columns.filter(({ name }) => !reading.columns.some((column) => column.name === name));
  return added.length === 0
    ? []
    : [
        `${added.length === 1 ? 'The column' : 'The columns'} ${added
          .slice(0, 10)
          .map(({ name }) => `"${name}"`)
          .join(', ')} ${added.length === 1 ? 'is' : 'are'} new since ${text}.`,
      ];
}

/** Whole numbers that were read as numbers are whole numbers again. */
export async function wholeAgain(
  db: Database,
  { reading }: ReferenceSchema,
  columns: readonly TypedColumn[],
  declared: readonly string[],
): Promise<TypedColumn[]> {
  const candidates = columns.filter(
    ({ name, type }) =>
      type === 'number' && !declared.includes(name) && reading.columns.some((column) => column.name === name && column.type === 'integer'),
  );
  const broken = await measureAll(
    db,
    candidates.map(({ id }) => `count_if(${id} <> trunc(${id}) OR abs(${id}) > ${Number.MAX_SAFE_INTEGER})`),
    'data',
  );
  const whole = candidates.filter((_, index) => broken[index] === 0);
  for (const { id } of whole) await db.run(`ALTER TABLE data ALTER COLUMN ${id} TYPE BIGINT`);
  return columns.map((column) => (whole.includes(column) ? { ...column, type: 'integer' } : column));
}

/** @throws SCHEMA_CHANGED where most values of a column are of another type than they were, or mean something else */
export async function checkMeaning(
  db: Database,
  reference: ReferenceSchema,
  columns: readonly TypedColumn[],
  accepted: readonly string[],
): Promise<void> {
  const [rows] = await measureAll(db, ['count(*)'], 'data');
  for (const column of columns) {
    if (accepted.includes(column.name)) continue;
    await checkType(db, reference, column, rows!);
    const before = reference.profile.columns.find(({ name }) => name === column.name);
    if (before === undefined || before.count === 0 || rows! < ROWS_MIN) continue;
    if (column.type === 'string' && before.categories !== undefined) await checkCategories(db, reference, column, before);
    else if ((column.type === 'number' || column.type === 'integer') && before.number !== undefined)
      await checkUnit(db, reference, column, before.number);
  }
}

async function checkType(db: Database, { text }: ReferenceSchema, { name, type }: TypedColumn, good: number): Promise<void> {
  const [found] = await db.rows(
    `SELECT count(*), any_value(reason) FROM rejects WHERE starts_with(reason, ${literal(`"${name}" is no ${type}: `)})`,
  );
  const odd = Number(found![0]);
  if (odd <= good || odd === 0) return;
  throw changed(
    `The column "${name}" was read as ${type} for ${text}, and ${odd} of ${odd + good} rows hold something else now (${String(found![1])}).`,
    [name],
  );
}

async function checkCategories(db: Database, { text }: ReferenceSchema, { name, id }: TypedColumn, before: ColumnProfile): Promise<void> {
  const known = Object.keys(before.categories!.counts);
  // Of a column of many names, new ones are usual.
  if (known.length === 0 || before.categories!.other > 0) return;
  const [found] = await db.rows(`SELECT count(${id}), count_if(${id} IN (${known.map(literal).join(', ')})) FROM data`);
  const [filled, same] = found!.map(Number) as [number, number];
  if (filled < ROWS_MIN || same > 0) return;
  const now = (await db.rows(`SELECT ${id} FROM data WHERE ${id} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 3`)).map(
    ([value]) => JSON.stringify(String(value)),
  );
  throw changed(
    `None of the ${filled} values of "${name}" is one that ${text} knows (${known
      .slice(0, 3)
      .map((value) => JSON.stringify(value))
      .join(', ')}): they are ${now.join(', ')} now.`,
    [name],
  );
}

async function checkUnit(
  db: Database,
  { text }: ReferenceSchema,
  { name, id }: TypedColumn,
  before: NonNullable<ColumnProfile['number']>,
): Promise<void> {
  const [found] = await db.rows(
    `SELECT count(${id}), min(${id}), max(${id}), quantile_cont(CAST(${id} AS DOUBLE), 0.5) FROM data WHERE isfinite(CAST(${id} AS DOUBLE))`,
  );
  const [filled, low, high, middle] = found!.map(Number) as [number, number, number, number];
  if (filled < ROWS_MIN || (low <= before.max && high >= before.min)) return;
  const old = before.quantiles['0.5'] ?? before.mean;
  const factor = Math.abs(old) === 0 ? Number.POSITIVE_INFINITY : Math.abs(middle / old);
  if (factor < UNIT_FACTOR && factor > 1 / UNIT_FACTOR && Math.sign(middle) === Math.sign(old)) return;
  const short = (value: number): string => String(Number(value.toPrecision(4)));
  throw changed(
    `The ${filled} values of "${name}" lie between ${short(low)} and ${short(high)}; those that ${text} was made from lay between ${short(before.min)} and ${short(before.max)}: the unit may be another.`,
    [name],
  );
}

function changed(message: string, columns: readonly string[]): PerennialError {
  return new PerennialError('SCHEMA_CHANGED', message, {
    hint: `Correct the source. If that is how it is meant, write "reference": {"accept": ${JSON.stringify(columns)}} into the ingest step, and take it out again when the new version is there.`,
    details: { columns: [...columns] },
  });
}
