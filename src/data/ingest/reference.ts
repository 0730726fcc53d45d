import { quoted } from '../../core/spelling.ts';
import { measureAll } from '../table/columns.ts';
import { literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import type { RawColumn, TypedColumn } from '../reading/source-column.ts';
import type { DeclaredTypes } from '../reading/infer.ts';
import { checkCategories } from './reference-categories.ts';
import { checkFilled, checkNumbers, checkSwapped } from './reference-numbers.ts';
import type { Moved } from './reference-numbers.ts';
import { ROWS_MIN, changed, isSameKind, knownLabel } from './reference-schema.ts';
import type { ReferenceSchema } from './reference-schema.ts';

export type { ReferenceConfig, ReferenceSchema } from './reference-schema.ts';

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
    `The source has no column ${gone.map(quoted).join(', ')} any more, which ${text} was made from${
      added.length === 0 ? '' : `; it has ${added.slice(0, 5).map(quoted).join(', ')} instead`
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
          .map(({ name }) => quoted(name))
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

/** What of the columns is not compared: the document says that its change is right, or declares how it is read. */
export interface Said {
  readonly accepted: readonly string[];
  readonly declared: readonly string[];
  /** Rows without a label are rejected as such. */
  readonly labels: readonly string[];
}

/**
 * @returns what people should know of columns that lack more values than before
 * @throws SCHEMA_CHANGED where most values of a column are of another type than they were, are gone, or mean something else
 */
export async function checkMeaning(
  db: Database,
  reference: ReferenceSchema,
  columns: readonly TypedColumn[],
  { accepted, declared, labels }: Said,
): Promise<string[]> {
  const notes: string[] = [];
  const moved: Moved[] = [];
  const [rows = 0, ...filled] = await measureAll(db, ['count(*)', ...columns.map(({ id }) => `count(${id})`)], 'data');
  for (const [index, column] of columns.entries()) {
    if (accepted.includes(column.name)) continue;
    await checkType(db, reference, column, rows);
    const known = reference.reading.columns.find(({ name }) => name === column.name);
    if (known !== undefined && !isSameKind(known.type, column.type)) {
      // The document itself reads it in another way now.
      if (declared.includes(column.name)) continue;
      throw changed(`The column "${column.name}" was read as ${known.type} for ${reference.text}, and is ${column.type} now.`, [
        column.name,
      ]);
    }
    const before = reference.profile.columns.find(({ name }) => name === column.name);
    if (before === undefined || before.count === 0 || rows < ROWS_MIN || column.origin === true) continue;
    if (column.type !== 'image' && !labels.includes(column.name))
      notes.push(...(await checkFilled(db, reference, column, before, filled[index]!, rows)));
    // Classes of a label are counted one by one.
    if (column.type === 'string' && !labels.includes(column.name)) await checkCategories(db, reference, column, before);
    const { number } = before;
    const classes = labels.includes(column.name) && knownLabel(reference, column.name)?.kind === 'classes';
    if (number === undefined || column.type === 'string' || classes) continue;
    const compared = await checkNumbers(db, reference, column, { ...before, number }, rows);
    if (compared !== undefined) moved.push(compared);
  }
  checkSwapped(reference, moved);
  return notes;
}

async function checkType(db: Database, { text, reading }: ReferenceSchema, { name, type }: TypedColumn, good: number): Promise<void> {
  const before = reading.columns.find((column) => column.name === name);
  if (before === undefined) return;
  const [found] = await db.rows(`SELECT count(*) FROM rejects WHERE starts_with(reason, ${literal(`"${name}" is no `)})`);
  const odd = Number(found![0]);
  if (odd <= good || odd === 0) return;
  const examples = (
    await db.rows(
      `SELECT DISTINCT regexp_replace(reason, '^.*? is no [a-z]+: ', '', 's') FROM rejects WHERE starts_with(reason, ${literal(`"${name}" is no `)}) ORDER BY 1 LIMIT 3`,
    )
  ).map(([value]) => JSON.stringify(String(value)));
  throw changed(
    `The column "${name}" was read as ${before.type} for ${text}, and ${odd} of ${odd + good} rows hold something else now (${examples.join(', ')})${type === before.type || type === 'number' ? '' : `, which is no ${type}`}.`,
    [name],
  );
}
