import { literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import type { ColumnProfile } from '../stored/dataset.ts';
import { ROWS_MIN, changed, percent, quoted, short } from './reference-schema.ts';
import type { ReferenceSchema } from './reference-schema.ts';
import { BEYOND_MIN, bounds, isElsewhere, otherUnit } from './reference-units.ts';
import type { Numbers } from './reference-units.ts';

/** Places of the order at which values are looked at. */
const PLACES = 400;
/** Rows that are looked at; of more, every so many. */
const ROWS_LOOKED_AT = 262_144;

/** Numbers that are written where there is none. */
const STAND_INS: readonly number[] = [0, ...[1, 9, 99, 999, 9_999, 99_999, 999_999].map((value) => -value), 999, 9_999, 99_999, 999_999];
/** Words that are written where there is nothing. */
const WORDS: readonly string[] = [
  '',
  '?',
  '-',
  '--',
  '.',
  'na',
  'n/a',
  'nan',
  'nil',
  'none',
  'null',
  'unknown',
  'undefined',
  'missing',
  'n.a.',
  '0',
];
/** From this share on it is said that more values are missing than before. */
const MISSING_TOLD = 0.1;
/** Of the rows now, and of those before. */
const STANDS_NOW = 0.6;
const STOOD_BEFORE = 0.1;

/** A quantity had so many different values. */
const DISTINCT_MIN = 20;

/** Values of a column, ascending, at evenly spaced places of the order. */
export interface Moved {
  readonly name: string;
  readonly now: readonly number[];
  readonly before: readonly number[];
}

/** Distances of Kolmogorov and Smirnov: of values that are others, and of such as are the same. */
const APART = 0.5;
const ALIKE = 0.2;

/** @throws SCHEMA_CHANGED where two columns have the values of each other */
export function checkSwapped({ text }: ReferenceSchema, columns: readonly Moved[]): void {
  const moved = columns.filter(({ now, before }) => before.length >= ROWS_MIN && distanceOf(now, before) > APART);
  for (const [index, one] of moved.entries())
    for (const other of moved.slice(index + 1)) {
      if (distanceOf(one.now, other.before) > ALIKE || distanceOf(other.now, one.before) > ALIKE) continue;
      const middle = (all: readonly number[]): string => short(all[all.length >> 1]!);
      throw changed(
        `The columns "${one.name}" and "${other.name}" seem to be exchanged: half of "${one.name}" lies below ${middle(one.now)} and half of "${other.name}" below ${middle(other.now)}, and in the rows that ${text} was made from it was ${middle(one.before)} and ${middle(other.before)}.`,
        [one.name, other.name],
      );
    }
}

/** Largest difference of the shares of two samples, in ascending order, below any value. */
function distanceOf(one: readonly number[], other: readonly number[]): number {
  let [a, b, largest] = [0, 0, 0];
  while (a < one.length && b < other.length) {
    const value = Math.min(one[a]!, other[b]!);
    while (a < one.length && one[a]! <= value) a += 1;
    while (b < other.length && other[b]! <= value) b += 1;
    largest = Math.max(largest, Math.abs(a / one.length - b / other.length));
  }
  return largest;
}

/**
 * @param rows of `data`
 * @returns the values now and before, where they can be compared
 * @throws SCHEMA_CHANGED for numbers in another unit, all of them or a part
 */
export async function checkNumbers(
  db: Database,
  { text }: ReferenceSchema,
  { name, id, type }: TypedColumn,
  { count, distinct, number }: ColumnProfile & { readonly number: NonNullable<ColumnProfile['number']> },
  rows: number,
): Promise<Moved | undefined> {
  const value = type === 'timestamp' ? `epoch_ms(${id})` : `CAST(${id} AS DOUBLE)`;
  const some = rows > ROWS_LOOKED_AT ? ` AND rowid % ${Math.ceil(rows / ROWS_LOOKED_AT)} = 0` : '';
  const shares = Array.from({ length: PLACES + 1 }, (_, index) => index / PLACES);
  const [whole] = await db.rows(
    `SELECT count(v), min(v), max(v), approx_count_distinct(v) FROM (SELECT ${value} AS v FROM data) WHERE isfinite(CAST(v AS DOUBLE))`,
  );
  const [filled, min, max, different] = whole!.map(Number) as [number, number, number, number];
  if (filled < ROWS_MIN) return undefined;
  const sample = (
    await db.rows(
      `SELECT unnest(quantile_disc(v, [${shares.join(', ')}])) FROM (SELECT ${value} AS v FROM data WHERE ${id} IS NOT NULL${some}) WHERE isfinite(CAST(v AS DOUBLE))`,
    )
  ).map(([one]) => Number(one));
  const before: Numbers = { sample: number.sample, count, min: number.min, max: number.max };
  const now: Numbers = { sample, count: filled, min, max };
  const shown = (one: number): string => (type === 'timestamp' ? new Date(one).toISOString() : short(one));
  const middle = (all: readonly number[]): string => shown(all[all.length >> 1]!);
  const apart = `The ${filled} values of "${name}" lie between ${shown(min)} and ${shown(max)}, half of them below ${middle(sample)}; those that ${text} was made from lay between ${shown(number.min)} and ${shown(number.max)}, half of them below ${shown(number.quantiles['0.5'] ?? number.mean)}`;
  // What numbers the rows, or the days, goes on.
  const counts = type === 'integer' && distinct >= 0.95 * count && different >= 0.9 * filled;
  if (type === 'timestamp') {
    if (isElsewhere(before, now)) throw changed(`${apart}: the unit may be another.`, [name]);
    return undefined;
  }
  if (
    different === 1 &&
    distinct >= DISTINCT_MIN &&
    before.sample.filter((one) => one === min).length <= STOOD_BEFORE * before.sample.length
  )
    throw changed(
      `The column "${name}" is ${shown(min)} in all ${filled} rows that have a value, and had about ${distinct} different values in those that ${text} was made from: nothing can be learnt from it any more.`,
      [name],
    );
  if (!counts) {
    const unit = otherUnit(before, now);
    if (unit !== undefined) throw changed(`${apart}: the unit may be another, ${unit}.`, [name]);
    if (isElsewhere(before, now)) throw changed(`${apart}: the unit may be another.`, [name]);
  }
  const limits = counts ? undefined : bounds(before, now);
  const moved = { name, now: sample, before: number.sample };
  if (limits === undefined) return moved;
  const beyond = `(abs(${value}) > ${limits.high} OR (${id} <> 0 AND abs(${value}) < ${limits.low}))`;
  const [odd] = await db.rows(`SELECT count(*) FROM data WHERE ${id} IS NOT NULL AND isfinite(${value}) AND ${beyond}`);
  if (Number(odd![0]) < Math.max(ROWS_MIN / 2, BEYOND_MIN * filled)) return moved;
  const examples = (
    await db.rows(
      `SELECT DISTINCT ${value} FROM (SELECT ${id} FROM data WHERE isfinite(${value}) AND ${beyond} LIMIT 1000) ORDER BY 1 LIMIT 3`,
    )
  ).map(([one]) => short(Number(one)));
  throw changed(
    `${Number(odd![0])} of ${filled} values of "${name}" are of another order of magnitude than those that ${text} was made from (${examples.join(', ')}; nearly all were between ${shown(number.quantiles['0.01'] ?? number.min)} and ${shown(number.quantiles['0.99'] ?? number.max)}): a part of the rows may be in another unit.`,
    [name],
  );
}

/**
 * @param filled rows of `data` with a value of the column
 * @returns what people should know: far more values are missing
 * @throws SCHEMA_CHANGED where a column lost its values: they are missing, or something stands in for them
 */
export async function checkFilled(
  db: Database,
  { text, profile }: ReferenceSchema,
  column: TypedColumn,
  before: ColumnProfile,
  filled: number,
  rows: number,
): Promise<string[]> {
  const { name } = column;
  const was = before.count / Math.max(1, before.count + before.missing);
  const is = filled / rows;
  const had = `${percent(before.missing / Math.max(1, profile.rows))} of the rows that ${text} was made from`;
  // As many as chance alone may leave out.
  const expected = was * rows;
  const surelyFewer = filled < expected - 4 * Math.sqrt(expected * (1 - was) + 1);
  if (filled === 0 && before.count > 0 && expected >= ROWS_MIN / 2)
    throw changed(`The column "${name}" is empty in all ${rows} rows; it was in ${had}.`, [name]);
  if (surelyFewer && is < 0.5 && is < (was >= 0.5 ? 0.5 : 0.2) * was)
    throw changed(`The column "${name}" is empty in ${rows - filled} of ${rows} rows (${percent(1 - is)}); it was in ${had}.`, [name]);
  const stand = await standIn(db, column, filled);
  if (stand === undefined || stand.rows < STANDS_NOW * rows || shareOf(before, stand.value) > STOOD_BEFORE)
    return surelyFewer && was - is >= MISSING_TOLD
      ? [`The column "${name}" is empty in ${rows - filled} of ${rows} rows (${percent(1 - is)}); it was in ${had}.`]
      : [];
  throw changed(
    `The column "${name}" is ${quoted([stand.value])} in ${stand.rows} of ${rows} rows (${percent(stand.rows / rows)}), and was so in ${percent(shareOf(before, stand.value))} of those that ${text} was made from: it may stand for a missing value.`,
    [name],
  );
}

async function standIn(
  db: Database,
  { id, type }: TypedColumn,
  filled: number,
): Promise<{ readonly value: string; readonly rows: number } | undefined> {
  if (filled === 0) return undefined;
  const where =
    type === 'number' || type === 'integer'
      ? `${id} IN (${STAND_INS.join(', ')})`
      : type === 'string'
        ? `lower(trim(${id})) IN (${WORDS.map(literal).join(', ')})`
        : undefined;
  if (where === undefined) return undefined;
  const [most] = await db.rows(`SELECT ${id}, count(*) FROM data WHERE ${where} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1`);
  return most === undefined ? undefined : { value: String(most[0]), rows: Number(most[1]) };
}

function shareOf({ categories, number, count, missing }: ColumnProfile, value: string): number {
  const filled = count / Math.max(1, count + missing);
  if (number !== undefined)
    return (filled * number.sample.filter((one) => one === Number(value)).length) / Math.max(1, number.sample.length);
  return (categories?.counts[value] ?? 0) / Math.max(1, count + missing);
}
