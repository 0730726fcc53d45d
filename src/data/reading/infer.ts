import { PerennialError } from '../../core/errors.ts';
import { measureAll } from '../table/columns.ts';
import type { Database } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { codeSql } from './column-sql.ts';
import { looksLikePowerSql, missingWordSql, numberSql } from './numbers.ts';
import type { RawColumn, TypedColumn } from './source-column.ts';
import { NEARLY, momentSuggestions, numberSuggestions, oddTexts } from './suggestions.ts';
import type { Suggestion } from './suggestions.ts';
import { isAmbiguousDateSql, timestampOfTextSql } from './timestamps.ts';
import type { ValueFormat } from './value-format.ts';
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

/** What is known of the rows that types are inferred from. */
export interface InferenceScope {
  /** They are not all. */
  readonly some: boolean;
  /** Columns that the document uses as points in time: their form is found where only one reads them. */
  readonly moments: readonly string[];
  /** Share of the rows that may be set aside. */
  readonly budget: number;
}

const WHOLE: InferenceScope = { some: false, moments: [], budget: 0.05 };

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
  if (from === 'exact')
    return [
      `count(${id})`,
      `count_if(CAST(CAST(${id} AS DOUBLE) AS DECIMAL(38, 10)) IS DISTINCT FROM TRY_CAST(${id} AS DECIMAL(38, 10)))`,
      `count_if(CAST(${id} AS DOUBLE) <> trunc(CAST(${id} AS DOUBLE)))`,
    ];
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
export async function inferTypes(
  db: Database,
  raw: readonly RawColumn[],
  declared: DeclaredTypes,
  table: string,
  scope: InferenceScope = WHOLE,
): Promise<Inferred> {
  const open = raw.filter(({ name, fixed }) => !Object.hasOwn(declared, name) && fixed !== true);
  const values = await measureAll(db, open.flatMap(measuresOf), table);
  const notes: string[] = [];
  const columns: TypedColumn[] = [];
  let at = 0;
  for (const column of raw) {
    const base = baseOf(column);
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
      const about = await textNotes(db, column, type, measured, { table, scope });
      columns.push(
        about.format === undefined ? { ...base, type } : { ...base, type: 'timestamp', format: { timestamp: { format: about.format } } },
      );
      notes.push(...about.notes);
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

function baseOf({ name, id, from, text, origin }: RawColumn): Omit<TypedColumn, 'type'> {
  return { name, id, from, ...(text === undefined ? {} : { text }), ...(origin === undefined ? {} : { origin }) };
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

interface TextFacts {
  readonly notes: readonly string[];
  /** The one form in which the texts are points in time, where the document uses the column as such. */
  readonly format?: string;
}

async function textNotes(
  db: Database,
  column: RawColumn,
  type: ColumnType,
  measured: Measured,
  { table, scope }: { readonly table: string; readonly scope: InferenceScope },
): Promise<TextFacts> {
  const { name, id, from } = column;
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
  const say = (...notes: string[]): TextFacts => ({ notes });
  /** "3 of 40 values", of what was looked at. */
  const of = (count: number, all = present): string =>
    `${count} of ${scope.some ? `the ${all} values that were looked at` : `${all} values`}`;
  if (type !== 'string')
    return missing === 0 || from === 'string'
      ? say()
      : say(
          `The column "${name}" is read as ${type}: ${of(missing, filled)} stand for a missing one (${await examples(missingWordSql(id))}).`,
        );
  if (present <= 0) return filled === 0 ? say() : say(`The column "${name}" holds nothing but ${await examples('true')}.`);
  const declare = (declaration: string): string => `"columns": {"${name}": ${declaration}}`;
  const anyOf = (suggestions: readonly Suggestion[]): string => suggestions.map(({ declaration }) => declare(declaration)).join(' or ');
  /** What becomes of the values that a declaration does not read. */
  const setAside = (read: number): string => {
    const left = present - read;
    if (left <= 0) return '';
    return `; ${of(left)} would be quarantined${left > scope.budget * present ? `, which "budget" has to allow (it is ${scope.budget})` : ''}`;
  };
  if (from === 'string' && numbers === present)
    return say(
      `The column "${name}" is read as text, since its source writes its numbers as texts (${await examples(`NOT ${missingWordSql(id)}`)}). Declare ${declare('"number"')} to read them as numbers.`,
    );
  if (codes > 0 && numbers === present)
    return say(
      `The column "${name}" is read as text: ${of(codes, filled)} are codes, with zeros in front, more digits than a number holds exactly, or like 2E5 (${await examples(measured.powers === present ? 'true' : codeSql(id))}).`,
    );
  if (times >= NEARLY * present)
    return say(
      `The column "${name}" is read as text: ${of(present - times)} are no dates (${await examples(`${timestampOfTextSql(id, undefined)} IS NULL AND NOT ${missingWordSql(id)}`)}). Declare ${declare('"timestamp"')} to read the others${setAside(times)}.`,
    );
  const texts = await oddTexts(db, column, table);
  const moments =
    numbers > (1 - NEARLY) * present
      ? []
      : (await momentSuggestions(db, column, table, texts)).filter(({ read }) => read >= NEARLY * present);
  const [moment] = moments;
  if (moment !== undefined) {
    const odd = `NOT ${missingWordSql(id)}`;
    if (moments.length > 1)
      return say(
        `The column "${name}" is read as text: it looks like dates, and ${await examples(odd)} do not say which part is the month, or the year. Declare ${anyOf(moments)}, whichever is right${setAside(moment.read)}.`,
      );
    if (scope.moments.includes(name) && moment.read === present)
      return {
        format: moment.format,
        notes: [
          `The column "${name}" is read as ${declare(moment.declaration)}, the only form that all its values have (${await examples(odd)}).`,
        ],
      };
    return say(
      `The column "${name}" is read as text: it looks like dates (${await examples(odd)}). Declare ${declare(moment.declaration)} to read them${setAside(moment.read)}.`,
    );
  }
  if (ambiguous > 0 && ambiguous >= NEARLY * present)
    return say(
      `The column "${name}" is read as text: it looks like dates (${await examples(isAmbiguousDateSql(id))}), and no one form reads them all.`,
    );
  const ways = await numberSuggestions(db, column, table, texts);
  const [way] = ways;
  const odd = `${numberSql(id, undefined)} IS NULL AND NOT ${missingWordSql(id)}`;
  if (way !== undefined && way.read >= NEARLY * present && (numbers > 0 || way.share === 1))
    return say(
      `The column "${name}" is read as text: ${of(present - numbers)} are written in another way than plain numbers (${await examples(odd)}). Declare ${anyOf(ways)}${ways.length > 1 ? ', whichever is right' : ' to read them'}${setAside(way.read)}.`,
    );
  if (numbers >= NEARLY * present)
    return say(
      `The column "${name}" is read as text: ${of(present - numbers)} are no numbers (${await examples(odd)}). Declare ${declare('"number"')} to read the others${setAside(numbers)}.`,
    );
  return say();
}
