import type { Database } from '../table/duckdb.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import { rejectRows } from '../reading/load-table.ts';
import { literal } from '../table/duckdb.ts';
import { findCopies, inWords, valuePairs } from './label-copies.ts';
import type { PlacedColumn } from './label-copies.ts';
import { changed, knownLabel, percent, quoted } from './reference-schema.ts';
import type { KnownLabel, Looked, ReferenceSchema } from './reference-schema.ts';

/** Classes of whole numbers that were so many may become twice as many, and are classes still. */
const GROWTH_MAX = 2;

/** Whole numbers that were classes stay whole: others go to the quarantine, as any value that does not fit. */
export async function rejectFractions(
  db: Database,
  reference: ReferenceSchema,
  columns: readonly TypedColumn[],
  labelled: readonly string[],
): Promise<void> {
  for (const { name, id, type } of columns) {
    const before = reference.reading.columns.find((column) => column.name === name);
    if (type !== 'number' || before?.type !== 'integer' || !labelled.includes(name)) continue;
    if (knownLabel(reference, name)?.kind !== 'classes') continue;
    await rejectRows(
      db,
      columns,
      `${id} <> trunc(${id}) OR abs(${id}) > ${Number.MAX_SAFE_INTEGER} OR isinf(${id})`,
      `${literal(`"${name}" is no integer: `)} || CAST(${id} AS VARCHAR)`,
    );
  }
}

/**
 * What a label of the reference was and stays, whatever the number of its values: an answer that was a class does not become a
 * quantity because there is one class more.
 *
 * @param distinct values of the label now
 * @throws SCHEMA_CHANGED where it cannot be the same any more
 */
export function keptKind(reference: ReferenceSchema, { name, type }: TypedColumn, distinct: number): KnownLabel['kind'] | undefined {
  const known = knownLabel(reference, name);
  if (known === undefined) return undefined;
  if (known.kind === 'number') {
    if (type === 'number' || type === 'integer') return 'number';
    throw changed(`The label "${name}" was a quantity for ${reference.text}, and is read as ${type} now.`, [name]);
  }
  if (type === 'number') throw changed(`The label "${name}" had classes for ${reference.text}, and holds fractions now.`, [name]);
  if (type === 'integer' && known.classes !== undefined && distinct > Math.max(GROWTH_MAX * known.classes.length, known.classes.length + 5))
    throw changed(
      `The label "${name}" had ${known.classes.length} classes for ${reference.text} (${quoted(known.classes)}), and holds ${distinct} different whole numbers now.`,
      [name],
    );
  return 'classes';
}

/**
 * @param filtered the document chooses rows by the label
 * @returns what is new, for people
 * @throws SCHEMA_CHANGED where a class that the last version learnt is not there any more
 */
export async function checkClasses(
  db: Database,
  reference: ReferenceSchema,
  { name, id }: TypedColumn,
  filtered: boolean,
  { part }: Pick<Looked, 'part'>,
): Promise<string[]> {
  const known = knownLabel(reference, name);
  if (known?.kind !== 'classes' || known.classes === undefined) return [];
  const now = (
    await db.rows(`SELECT CAST(${id} AS VARCHAR), count(*) FROM data WHERE ${id} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1`)
  ).map(([value, rows]): [string, number] => [String(value), Number(rows)]);
  const there = new Set(now.map(([value]) => value));
  const gone = known.classes.filter((value) => !there.has(value));
  const isNew = now.filter(([value]) => !known.classes!.includes(value));
  const listed = (classes: readonly (readonly [string, number])[]): string =>
    `${classes
      .slice(0, 5)
      .map(([value, rows]) => `${JSON.stringify(value)} (${rows} rows)`)
      .join(', ')}${classes.length > 5 ? ', …' : ''}`;
  // Rows that were not looked at may hold the rest.
  if (gone.length > 0 && !part) {
    const said = `The label "${name}" has no row of the ${gone.length === 1 ? 'class' : 'classes'} ${quoted(gone, 5)} any more, which ${reference.text} learnt${sizeOf(reference, name, gone)}: a model of these data could not answer ${gone.length === 1 ? 'it' : 'them'}. The classes are ${listed(now)}.`;
    if (!filtered) throw changed(said, [name]);
    return [said];
  }
  return isNew.length === 0
    ? []
    : [
        `The label "${name}" has the new ${isNew.length === 1 ? 'class' : 'classes'} ${listed(isNew)}, which ${reference.text} does not know.`,
      ];
}

function sizeOf({ profile }: ReferenceSchema, name: string, classes: readonly string[]): string {
  const counts = profile.columns.find((column) => column.name === name)?.categories?.counts;
  if (counts === undefined || classes.some((value) => counts[value] === undefined)) return '';
  const rows = classes.reduce((sum, value) => sum + counts[value]!, 0);
  return ` from ${rows} of its ${profile.rows} rows (${percent(rows / Math.max(1, profile.rows))})`;
}

/**
 * Columns that are the label under another name, in another type or another way of writing.
 *
 * @returns their names
 * @throws SCHEMA_CHANGED where one is that was not for the last version
 */
export async function columnsEqualToLabel(
  db: Database,
  reference: ReferenceSchema | undefined,
  columns: readonly TypedColumn[],
  labels: readonly TypedColumn[],
  accepted: readonly string[],
): Promise<string[]> {
  const place = ({ name, type, id }: TypedColumn): PlacedColumn => ({ name, type, sql: id });
  const { rows, copies } = await findCopies(db, 'data', columns.filter((column) => !labels.includes(column)).map(place), labels.map(place));
  for (const copy of copies) {
    const { name } = copy.feature;
    const known = reference?.profile.columns.find((column) => column.name === name);
    const learnt = reference?.profile.columns.some((column) => column.name === copy.label.name) === true;
    if (known === undefined || !learnt || known.count === 0 || accepted.includes(name) || reference!.copies?.includes(name) === true)
      continue;
    throw changed(
      `The column "${name}" equals the label "${copy.label.name}" ${inWords(copy, rows)} now (${await valuePairs(db, 'data', copy)}), and did not in the rows that ${reference!.text} was made from: a model that is given the answer learns nothing.`,
      [name],
    );
  }
  return [...new Set(copies.map(({ feature }) => feature.name))];
}
