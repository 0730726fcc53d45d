import { PerennialError } from '../../core/errors.ts';
import { measureAll } from '../table/columns.ts';
import type { Database } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { codeSql } from './column-sql.ts';
import { looksLikePowerSql, missingWordSql, numberOfText, numberSql } from './numbers.ts';
import { typedOf } from './source-column.ts';
import type { RawColumn, TypedColumn } from './source-column.ts';
import { isAmbiguousDateSql, timestampOfTextSql } from './timestamps.ts';
import type { NumberFormat, ValueFormat } from './value-format.ts';
import type { ColumnType } from '../stored/column.ts';

/** What a document declares of a column. */
export interface DeclaredType {
  readonly type: ColumnType;
  readonly format?: ValueFormat;
}

export type DeclaredTypes = Readonly<Record<string, DeclaredType>>;

export interface Inferred {
  readonly columns: readonly TypedColumn[];
  readonly notes: readonly string[];
}

/** Of this share of the values the rest is named: the column nearly is one of numbers. */
const NEARLY = 0.8;

interface Measured {
  readonly filled: number;
  readonly missing: number;
  readonly numbers: number;
  readonly whole: number;
  readonly booleans: number;
  readonly times: number;
  readonly ambiguous: number;
  readonly codes: number;
  /** Like 2E5. */
  readonly powers: number;
}

const COUNTS = 9;

function textMeasures(c: string): string[] {
  const number = numberSql(c, undefined);
  return [
    `count(${c})`,
    `count_if(${missingWordSql(c)})`,
    `count(${number})`,
    `count_if(regexp_full_match(${c}, '\\s*[+-]?\\d{1,16}\\s*') AND abs(try_cast(${c} AS BIGINT)) <= ${DATA_LIMITS.integerMax})`,
    `count_if(lower(trim(${c})) IN ('true', 'false'))`,
    `count(${timestampOfTextSql(c, undefined)})`,
    `count_if(${isAmbiguousDateSql(c)})`,
    `count_if(${codeSql(c)})`,
    `count_if(${looksLikePowerSql(c)})`,
  ];
}

function measuresOf({ id, from }: RawColumn): string[] {
  if (from === 'text') return textMeasures(id);
  // Texts of a source with types stay texts, unless they are all points in time, which such sources have no other way to write.
  if (from === 'string')
    return [
      `count(${id})`,
      `count_if(${missingWordSql(id)})`,
      `count(${numberSql(id, undefined)})`,
      '0',
      '0',
      `count(${timestampOfTextSql(id, undefined)})`,
      `count_if(${isAmbiguousDateSql(id)})`,
      '0',
      '0',
    ];
  if (from === 'integer') return [`count(${id})`, `count_if(abs(CAST(${id} AS HUGEINT)) > ${DATA_LIMITS.integerMax})`];
  if (from === 'exact') {
    const text = `CAST(${id} AS VARCHAR)`;
    const short = `decimal_text(${text})`;
    // A double holds a value where the shortest text of it has the same digits; up to fifteen it always does.
    return [
      `count(${id})`,
      `count_if(CASE WHEN contains(${text}, '.') AND strlen(${text}) <= 16 THEN false WHEN contains(${short}, '.') THEN number_text(CAST(${short} AS DOUBLE)) <> ${short} ELSE abs(CAST(${text} AS DOUBLE)) > ${DATA_LIMITS.integerMax} END)`,
      `count_if(regexp_matches(${text}, '\\.\\d*[1-9]'))`,
    ];
  }
  return [];
}

/**
 * The types of the columns of a table, by rules of ours that are the same for every format. Texts without types get the narrowest
 * type that all their values have: integer, number, boolean, timestamp (ISO, the year in front), string. Integers with zeros in front
 * or beyond 2^53 are codes: texts. Where nearly all values are of a type, or a type can be declared, a note says so with examples.
 *
 * @param table with the columns of `raw`
 * @throws CONFIG_INVALID
 */
export async function inferTypes(db: Database, raw: readonly RawColumn[], declared: DeclaredTypes, table: string): Promise<Inferred> {
  const open = raw.filter(({ name, fixed }) => !Object.hasOwn(declared, name) && fixed !== true);
  const values = await measureAll(db, open.flatMap(measuresOf), table);
  const notes: string[] = [];
  const columns: TypedColumn[] = [];
  let at = 0;
  for (const column of raw) {
    const base = typedOf(column);
    if (Object.hasOwn(declared, column.name)) {
      columns.push({ ...base, ...declared[column.name]! });
      continue;
    }
    if (column.fixed === true) {
      columns.push({ ...base, type: column.from === 'text' || column.from === 'exact' ? 'string' : column.from });
      continue;
    }
    const own = values.slice(at, (at += measuresOf(column).length));
    if (column.from === 'text' || column.from === 'string') {
      const measured = measuredOf(own);
      const type =
        column.from === 'text' ? typeOfText(measured) : measured.filled > 0 && measured.times === measured.filled ? 'timestamp' : 'string';
      columns.push({ ...base, type });
      notes.push(...(await textNotes(db, column, type, measured, table)));
    } else if (column.from === 'integer' || column.from === 'exact') {
      const [, beyond = 0, fractions = 0] = own;
      const type = beyond > 0 ? 'string' : column.from === 'exact' && fractions > 0 ? 'number' : 'integer';
      columns.push({ ...base, type });
      if (beyond > 0)
        notes.push(
          `The column "${column.name}" is read as text: ${beyond} of its values have more digits than a number holds exactly. Declare "columns": {"${column.name}": "number"} to round them.`,
        );
    } else columns.push({ ...base, type: column.from });
  }
  return { columns, notes };
}

function measuredOf(values: readonly number[]): Measured {
  if (values.length !== COUNTS) throw new PerennialError('INTERNAL', `${values.length} measures of a column, ${COUNTS} expected.`);
  const [filled, missing, numbers, whole, booleans, times, ambiguous, codes, powers] = values as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    filled,
    missing,
    numbers,
    whole,
    booleans,
    times,
    ambiguous,
    codes: codes > 0 || powers < filled - missing ? codes : powers,
    powers,
  };
}

function typeOfText({ filled, missing, numbers, whole, booleans, times, codes }: Measured): ColumnType {
  const present = filled - missing;
  if (present <= 0) return 'string';
  if (codes === 0 && whole === present) return 'integer';
  if (codes === 0 && numbers === present) return 'number';
  if (booleans === present) return 'boolean';
  return times === present ? 'timestamp' : 'string';
}

async function textNotes(
  db: Database,
  { name, id, from }: RawColumn,
  type: ColumnType,
  measured: Measured,
  table: string,
): Promise<string[]> {
  const { filled, missing, numbers, ambiguous, codes, times } = measured;
  const present = filled - missing;
  const examples = async (where: string): Promise<string> =>
    (
      await db.rows(
        `SELECT v FROM (SELECT ${id} AS v, count(*) AS n FROM ${table} WHERE ${id} IS NOT NULL AND ${where} GROUP BY 1) ORDER BY n DESC, v LIMIT 3`,
      )
    )
      .map(([value]) => JSON.stringify(String(value).slice(0, 60)))
      .join(', ');
  if (type !== 'string')
    return missing === 0 || from === 'string'
      ? []
      : [
          `The column "${name}" is read as ${type}: ${missing} of ${filled} values stand for a missing one (${await examples(missingWordSql(id))}).`,
        ];
  if (present <= 0) return filled === 0 ? [] : [`The column "${name}" holds nothing but ${await examples('true')}.`];
  const declare = (declaration: string): string => `"columns": {"${name}": ${declaration}}`;
  if (from === 'string' && numbers === present)
    return [
      `The column "${name}" is read as text, since its source writes its numbers as texts (${await examples(`NOT ${missingWordSql(id)}`)}). Declare ${declare('"number"')} to read them as numbers.`,
    ];
  if (codes > 0 && numbers === present)
    return [
      `The column "${name}" is read as text: ${codes} of ${filled} values are codes, with zeros in front, more digits than a number holds exactly, or like 2E5 (${await examples(measured.powers === present ? 'true' : codeSql(id))}).`,
    ];
  if (ambiguous > 0 && ambiguous >= NEARLY * present)
    return [
      `The column "${name}" is read as text: it looks like dates, and ${await examples(isAmbiguousDateSql(id))} do not say which part is the month. Declare ${declare('{"timestamp": {"format": "dd/MM/yyyy"}}')} with the right order.`,
    ];
  if (times >= NEARLY * present && times > 0)
    return [
      `The column "${name}" is read as text: ${present - times} of ${present} values are no dates (${await examples(`${timestampOfTextSql(id, undefined)} IS NULL`)}). Declare ${declare('"timestamp"')} to quarantine them.`,
    ];
  const odd = `${numberSql(id, undefined)} IS NULL AND NOT ${missingWordSql(id)}`;
  const format = await declarable(db, id, table, odd);
  if (format !== undefined && (numbers > 0 || format.share === 1))
    return [
      `The column "${name}" is read as text: ${present - numbers} of ${present} values are written in another way than plain numbers (${await examples(odd)}). Declare ${declare(JSON.stringify({ number: format.format }))} to read them.`,
    ];
  if (numbers >= NEARLY * present)
    return [
      `The column "${name}" is read as text: ${present - numbers} of ${present} values are no numbers (${await examples(odd)}). Declare ${declare('"number"')} to quarantine them.`,
    ];
  return [];
}

/** Ways of writing numbers that are offered where nearly all values are written so. */
const WAYS: readonly NumberFormat[] = [
  { percent: true },
  { currency: true },
  { thousands: ',' },
  { decimal: ',' },
  { decimal: ',', thousands: '.' },
  { thousands: ' ' },
  { currency: true, thousands: ',' },
  { currency: true, decimal: ',', thousands: '.' },
  { percent: true, decimal: ',' },
];
const EXAMPLES = 500;

/** The way in which the values that are no plain numbers are written, where there is one. */
async function declarable(
  db: Database,
  id: string,
  table: string,
  odd: string,
): Promise<{ readonly format: NumberFormat; readonly share: number } | undefined> {
  const texts = (
    await db.rows(
      `SELECT DISTINCT v FROM (SELECT ${id} AS v FROM ${table} WHERE ${id} IS NOT NULL AND ${odd} LIMIT ${20 * EXAMPLES}) ORDER BY v LIMIT ${EXAMPLES}`,
    )
  ).map(([value]) => String(value));
  if (texts.length === 0 || !texts.some((text) => /\d/.test(text))) return undefined;
  let best: { readonly format: NumberFormat; readonly share: number } | undefined;
  for (const format of WAYS) {
    const share = texts.filter((text) => !Number.isNaN(numberOfText(text, format))).length / texts.length;
    if (share >= NEARLY && share > (best?.share ?? 0)) best = { format, share };
  }
  return best;
}
