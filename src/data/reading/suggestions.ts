import { measureAll } from '../table/columns.ts';
import { literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { dateFormats } from './date-formats.ts';
import { missingWordSql, numberOfText, numberSql } from './numbers.ts';
import type { RawColumn } from './source-column.ts';
import { timestampOfTextSql } from './timestamps.ts';
import type { NumberFormat } from './value-format.ts';

/** Of this share of the values the rest is named: the column nearly is one of numbers. */
export const NEARLY = 0.8;

/** A declaration that was tried on the values of a column. */
export interface Suggestion {
  /** As the document writes it. */
  readonly declaration: string;
  /** So many of the values it reads. */
  readonly read: number;
}

/** Different texts of a column that declarations are derived from. */
const EXAMPLES = 500;

/**
 * Some different texts of a column that are neither plain numbers nor stand for a missing value.
 *
 * @param table with the column
 */
export async function oddTexts(db: Database, { id }: Pick<RawColumn, 'id'>, table: string): Promise<string[]> {
  const odd = `${id} IS NOT NULL AND ${numberSql(id, undefined)} IS NULL AND NOT ${missingWordSql(id)}`;
  const some = `SELECT ${id} AS v FROM ${table} WHERE ${odd} LIMIT ${20 * EXAMPLES}`;
  return (await db.rows(`SELECT DISTINCT v FROM (${some}) ORDER BY v LIMIT ${EXAMPLES}`)).map(([value]) => String(value));
}

/** The most likely declarations of those that read the values: several where each of them reads as many, and differently. */
async function proven<T>(
  db: Database,
  table: string,
  found: readonly T[],
  valueOf: (format: T) => string,
  declarationOf: (format: T) => string,
): Promise<Suggestion[]> {
  if (found.length === 0) return [];
  const counts = await measureAll(
    db,
    found.map((format) => `count(${valueOf(format)})`),
    table,
  );
  const most = Math.max(...counts);
  return found.flatMap((format, index) => (counts[index] === most ? [{ declaration: declarationOf(format), read: most }] : []));
}

/** Forms of dates that are tried. */
const DATE_FORMATS_MAX = 4;

/** By which forms the texts of a column are points in time. @param texts of {@link oddTexts} */
export async function momentSuggestions(
  db: Database,
  { id }: Pick<RawColumn, 'id'>,
  table: string,
  texts: readonly string[],
): Promise<(Suggestion & { readonly format: string })[]> {
  const formats = dateFormats(texts, NEARLY).slice(0, DATE_FORMATS_MAX);
  const byDeclaration = new Map(formats.map(({ format }) => [JSON.stringify({ timestamp: { format } }), format]));
  const found = await proven(
    db,
    table,
    [...byDeclaration],
    ([, format]) => timestampOfTextSql(id, { format }),
    ([declaration]) => declaration,
  );
  return found.map((suggestion) => ({ ...suggestion, format: byDeclaration.get(suggestion.declaration)! }));
}

/** The only form of days that is a plain number. */
const DAY_FORMAT = 'yyyyMMdd';
const DAY_PATTERN = '\\s*(?:19|20)\\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])\\s*';
const DAYS_LOOKED_AT = 1_000;
/** Fewer different ones may be anything. */
const DAYS_MIN = 3;

/** Which of these columns of integers hold nothing but days such as 20240131, with some of them. @param table with the columns */
export async function daysAsIntegers(
  db: Database,
  columns: readonly Pick<RawColumn, 'name' | 'id'>[],
  table: string,
): Promise<{ readonly name: string; readonly declaration: string; readonly examples: readonly string[] }[]> {
  if (columns.length === 0) return [];
  const some = `(SELECT ${columns.map(({ id }) => id).join(', ')} FROM ${table} LIMIT ${DAYS_LOOKED_AT})`;
  const textOf = (id: string): string => `CAST(${id} AS VARCHAR)`;
  const others = (id: string, isDay: string): string =>
    `count_if(${id} IS NOT NULL AND NOT ${missingWordSql(textOf(id))} AND NOT coalesce(${isDay}, false))`;
  // Most columns are ruled out by this: whether a day is one of its month takes much longer.
  const looks = columns.flatMap(({ id }) => [
    `count(DISTINCT ${id})`,
    others(id, `regexp_full_match(${textOf(id)}, ${literal(DAY_PATTERN)})`),
  ]);
  const first = await measureAll(db, looks, some);
  const likely = columns.filter((_, at) => first[2 * at]! >= DAYS_MIN && first[2 * at + 1] === 0);
  const isDay = (id: string): string =>
    `(regexp_full_match(${textOf(id)}, ${literal(DAY_PATTERN)}) AND ${timestampOfTextSql(textOf(id), { format: DAY_FORMAT })} IS NOT NULL)`;
  const left = await measureAll(
    db,
    likely.map(({ id }) => others(id, isDay(id))),
    table,
  );
  return Promise.all(
    likely
      .filter((_, at) => left[at] === 0)
      .map(async ({ name, id }) => ({
        name,
        declaration: JSON.stringify({ timestamp: { format: DAY_FORMAT } }),
        examples: (await db.rows(`SELECT DISTINCT ${textOf(id)} AS v FROM ${some} WHERE ${isDay(id)} ORDER BY v LIMIT 3`)).map(([value]) =>
          String(value),
        ),
      })),
  );
}

/** Ways of writing numbers that are offered where nearly all values are written so. */
const WAYS: readonly NumberFormat[] = [
  // Blanks around the digits, and the minus of typesetters.
  { decimal: '.' },
  { percent: true },
  { accounting: true },
  { currency: true },
  { thousands: ',' },
  { decimal: ',' },
  { decimal: ',', thousands: '.' },
  { thousands: ' ' },
  { thousands: "'" },
  { thousands: '_' },
  { decimal: ',', thousands: ' ' },
  { accounting: true, thousands: ',' },
  { accounting: true, decimal: ',' },
  { accounting: true, decimal: ',', thousands: '.' },
  { currency: true, thousands: ',' },
  { currency: true, decimal: ',' },
  { currency: true, decimal: ',', thousands: '.' },
  { currency: true, decimal: ',', thousands: ' ' },
  { currency: true, thousands: "'" },
  { currency: true, accounting: true },
  { currency: true, accounting: true, thousands: ',' },
  { currency: true, accounting: true, decimal: ',', thousands: '.' },
  { percent: true, decimal: ',' },
];

/** Codes that amounts are written with; others of three letters are the beginnings of names and ids. */
const CURRENCIES = new Set(
  'AED ARS AUD BDT BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR JPY KES KRW MAD MXN MYR NGN NOK NZD PHP PKR PLN RON RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR'.split(
    ' ',
  ),
);

/** Whether a text is an amount of money, and not an id that begins or ends with three letters. */
function isAmount(text: string): boolean {
  if (/\p{Sc}/u.test(text) || !/[A-Za-z]/.test(text)) return true;
  const code = /[A-Za-z]{3}/.exec(text)?.[0] ?? '';
  return CURRENCIES.has(code) && (/[A-Za-z]\s+[\d.(+-]|\d\s+[A-Za-z]/.test(text) || /\d[.,]\d/.test(text));
}

/** Of ways with a unit: those without a word of their own for what stands behind the number. */
const WAYS_WITH_UNIT: readonly NumberFormat[] = [
  {},
  { thousands: ',' },
  { decimal: ',' },
  { decimal: ',', thousands: '.' },
  { thousands: ' ' },
  { decimal: ',', thousands: ' ' },
];

/** What nearly all texts have behind their digits. Numbers with zeros in front are parts of codes. */
function unitOf(texts: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const text of texts) {
    const unit = UNIT.exec(text)?.[1];
    if (unit !== undefined) counts.set(unit, (counts.get(unit) ?? 0) + 1);
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most !== undefined && most[1] >= NEARLY * texts.length ? most[0] : undefined;
}

/** Signs of currency and percent have ways of their own. */
const UNIT = /^\s*[(+\u2212-]?\s*(?!0\d)\d[\d\s.,]*?\s*([^\d\s+.,()%\p{Sc}-](?:[^\d+,()]{0,18}[^\d\s+.,()-])?)\s*$/u;

/** By which ways the texts of a column are numbers. @param texts of {@link oddTexts} */
export async function numberSuggestions(
  db: Database,
  { id }: Pick<RawColumn, 'id'>,
  table: string,
  texts: readonly string[],
): Promise<(Suggestion & { readonly share: number })[]> {
  if (!texts.some((text) => /\d/.test(text))) return [];
  const amounts = texts.filter(isAmount).length >= NEARLY * texts.length;
  const readings = new Map<string, NumberFormat>();
  const shares = new Map<string, number>();
  const unit = unitOf(texts);
  const ways = [
    ...WAYS.filter(({ currency }) => currency !== true || amounts),
    ...(unit === undefined ? [] : WAYS_WITH_UNIT.map((way) => ({ ...way, unit }))),
  ];
  for (const format of ways) {
    const values = texts.map((text) => numberOfText(text, format));
    const share = values.filter((value) => !Number.isNaN(value)).length / texts.length;
    // The simplest of those that read all texts alike.
    if (share < NEARLY || readings.has(values.join())) continue;
    readings.set(values.join(), format);
    shares.set(declarationOf(format), share);
  }
  const found = await proven(db, table, [...readings.values()], (format) => numberSql(id, format), declarationOf);
  return found.map((suggestion) => ({ ...suggestion, share: shares.get(suggestion.declaration)! }));
}

const declarationOf = (format: NumberFormat): string => JSON.stringify({ number: format });

/**
 * What to do about a column of texts that are used as points in time: declarations that were tried on them.
 *
 * @param column of `table`, with its values as texts
 */
export async function momentHint(
  db: Database,
  { name, id, type }: { readonly name: string; readonly id: string; readonly type: string },
  table: string,
): Promise<string> {
  if (type !== 'string') return `"${name}" holds no points in time: name another column.`;
  const [filled, iso] = (await measureAll(
    db,
    [`count_if(${id} IS NOT NULL AND NOT ${missingWordSql(id)})`, `count(${timestampOfTextSql(id, undefined)})`],
    table,
  )) as [number, number];
  const texts = await oddTexts(db, { id }, table);
  const found = [
    ...(iso >= NEARLY * filled && iso > 0 ? [{ declaration: '"timestamp"', read: iso }] : []),
    ...(await momentSuggestions(db, { id }, table, texts)),
  ].filter(({ read }) => read >= NEARLY * filled);
  const shown = texts
    .slice(0, 3)
    .map((text) => JSON.stringify(text.slice(0, 60)))
    .join(', ');
  if (found.length === 0)
    return `No form of dates that is known reads its values (${shown}): name another column, or declare "columns": {"${name}": {"timestamp": {"format": …}}} with the form that they have.`;
  return `Declare ${found.map(({ declaration }) => `"columns": {"${name}": ${declaration}}`).join(' or ')}${found.length > 1 ? ', whichever is right' : ''}; it reads ${found[0]!.read} of ${filled} values (${shown}).`;
}
