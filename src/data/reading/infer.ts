import { PerennialError } from '../../core/errors.ts';
import { measureAll } from '../table/columns.ts';
import type { Database } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { codeSql } from './column-sql.ts';
import { looksLikePowerSql, missingWordSql, numberSql } from './numbers.ts';
import { typedOf } from './source-column.ts';
import type { RawColumn, TypedColumn } from './source-column.ts';
import { daysAsIntegers, NEARLY, momentSuggestions, numberSuggestions, oddTexts } from './suggestions.ts';
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

/** Digits, signs and blanks stand before this character: what does not begin with one of them is no number of digits, date or code. */
const BEHIND_DIGITS = `':'`;

/** SQL of a count, or what is known of it already. */
type Measure = string | number;

/** What tells which of the patterns are worth asking: they take ten times as long as a cast, to be planned as well as to be matched. */
interface Looks {
  readonly filled: number;
  readonly numbers: number;
  /** Texts that begin as numbers and dates do, and those of them that are no numbers. */
  readonly digits: number;
  readonly others: number;
}

const LOOKS = 4;

/** @param n the number that the text is, computed once */
const looksOf = (c: string, n: string): string[] => [
  `count(${c})`,
  `count(${n})`,
  `count_if(${c} < ${BEHIND_DIGITS})`,
  `count_if(${c} < ${BEHIND_DIGITS} AND ${n} IS NULL)`,
];

/**
 * Each pattern is asked of those texts alone that it can fit: what is a number is no word for a missing value, no point in time, true or
 * false; what begins with a letter is neither number of digits nor date.
 */
function textMeasures(c: string, n: string, { filled, numbers, digits, others }: Looks): Measure[] {
  const odd = (measure: string): Measure => (numbers === filled ? 0 : `count_if(CASE WHEN ${n} IS NULL THEN ${measure} ELSE false END)`);
  const lead = (guard: string, measure: string): Measure =>
    digits === 0 ? 0 : `count_if(CASE WHEN ${c} < ${BEHIND_DIGITS} AND ${guard} THEN ${measure} ELSE false END)`;
  const dates = (measure: string): Measure =>
    others === 0 ? 0 : `count_if(CASE WHEN ${n} IS NULL AND ${c} < ${BEHIND_DIGITS} THEN ${measure} ELSE false END)`;
  return [
    filled,
    odd(missingWordSql(c)),
    numbers,
    lead(
      `${n} = trunc(${n})`,
      `regexp_full_match(${c}, '\\s*[+-]?\\d{1,16}\\s*') AND try_cast(${c} AS BIGINT) BETWEEN -${DATA_LIMITS.integerMax} AND ${DATA_LIMITS.integerMax}`,
    ),
    odd(`lower(trim(${c})) = 'true' OR lower(trim(${c})) = 'false'`),
    dates(`${timestampOfTextSql(c, undefined)} IS NOT NULL`),
    dates(isAmbiguousDateSql(c)),
    lead('true', codeSql(c)),
    lead(`(contains(${c}, 'e') OR contains(${c}, 'E'))`, looksLikePowerSql(c)),
  ];
}

/** Name of the number that the text of a column is. */
const numberOf = (id: string): string => `number_${id}`;

/** A cast that fails takes ten times as long as one that does not; infinities have letters in front. */
const mayBeNumber = (c: string): string => `${c} < ${BEHIND_DIGITS} OR starts_with(${c}, 'i') OR starts_with(${c}, 'I')`;

function measuresOf({ id, from }: RawColumn, looks: Looks | undefined): Measure[] {
  if (looks !== undefined) return textMeasures(id, numberOf(id), looks);
  // Texts of a source with types stay texts, unless they are all points in time, which such sources have no other way to write.
  if (from === 'string')
    return [
      `count(${id})`,
      `count_if(${missingWordSql(id)})`,
      `count(${numberSql(id, undefined)})`,
      0,
      0,
      `count(${timestampOfTextSql(id, undefined)})`,
      `count_if(${isAmbiguousDateSql(id)})`,
      0,
      0,
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

/** Columns that are measured in one query: what planning it takes grows with the square of its expressions. */
const COLUMNS_AT_ONCE = 30;

/** The measures of columns, in the order of the columns. */
async function measured(db: Database, columns: readonly RawColumn[], table: string): Promise<number[][]> {
  const found: number[][] = [];
  for (let start = 0; start < columns.length; start += COLUMNS_AT_ONCE) {
    const group = columns.slice(start, start + COLUMNS_AT_ONCE);
    const texts = group.filter(({ from }) => from === 'text');
    const numbers = texts.map(({ id }) => `CASE WHEN ${mayBeNumber(id)} THEN ${numberSql(id, undefined)} END AS ${numberOf(id)}`);
    const source = `(SELECT ${[...group.map(({ id }) => id), ...numbers].join(', ')} FROM ${table})`;
    const looks = await measureAll(
      db,
      texts.flatMap(({ id }) => looksOf(id, numberOf(id))),
      source,
    );
    const looksOfTexts = new Map(
      texts.map(({ id }, index) => {
        const [filled, numbers, digits, others] = looks.slice(index * LOOKS, (index + 1) * LOOKS) as [number, number, number, number];
        return [id, { filled, numbers, digits, others }];
      }),
    );
    const measures = group.map((column) => measuresOf(column, looksOfTexts.get(column.id)));
    const values = await measureAll(
      db,
      measures.flat().filter((measure) => typeof measure === 'string'),
      source,
    );
    for (const own of measures) found.push(own.map((measure) => (typeof measure === 'number' ? measure : values.shift()!)));
  }
  return found;
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
  const values = await measured(db, open, table);
  const measures = new Map(open.map(({ id }, index) => [id, values[index]!]));
  const notes: string[] = [];
  const columns: TypedColumn[] = [];
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
    const found = measures.get(column.id)!;
    if (column.from === 'text' || column.from === 'string') {
      const counts = measuredOf(found, column);
      const type =
        column.from === 'text' ? typeOfText(counts) : counts.filled > 0 && counts.times === counts.filled ? 'timestamp' : 'string';
      const about = await textNotes(db, column, type, counts, { table, scope });
      columns.push(
        about.format === undefined ? { ...base, type } : { ...base, type: 'timestamp', format: { timestamp: { format: about.format } } },
      );
      notes.push(...about.notes);
    } else if (column.from === 'integer' || column.from === 'exact') {
      const [, beyond = 0, fractions = 0] = found;
      const type = beyond > 0 ? 'string' : column.from === 'exact' && fractions > 0 ? 'number' : 'integer';
      columns.push({ ...base, type });
      if (beyond > 0)
        notes.push(
          `The column "${column.name}" is read as text: ${beyond} of its values have more digits than a number holds exactly. Declare "columns": {"${column.name}": "number"} to round them.`,
        );
    } else columns.push({ ...base, type: column.from });
  }
  const integers = raw.filter(({ fixed }, at) => fixed !== true && columns[at]!.type === 'integer' && columns[at]!.format === undefined);
  const undeclared = integers.filter(({ name }) => !Object.hasOwn(declared, name));
  for (const { name, declaration, examples } of await daysAsIntegers(db, undeclared, table))
    notes.push(
      `The column "${name}" is read as integer, and all ${scope.some ? 'of its values that were looked at' : 'its values'} are days (${examples.join(', ')}). Declare "columns": {"${name}": ${declaration}} to read them as points in time.`,
    );
  return { columns, notes };
}

function measuredOf(values: readonly number[], { numbers: areNumbers }: RawColumn): Measured {
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
    // What a source says is a number is no code, however it is written.
    codes: codes > 0 || areNumbers === true || powers < filled - missing ? codes : powers,
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
