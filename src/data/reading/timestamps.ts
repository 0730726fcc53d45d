import { PerennialError } from '../../core/errors.ts';
import { literal } from '../table/duckdb.ts';
import { BLANK, BLANKS } from './blanks.ts';
import type { TimestampFormat } from './value-format.ts';
import { momentOf, offsetAt, zoneOffsets } from './zones.ts';

type Field =
  | 'year'
  | 'shortYear'
  | 'month'
  | 'monthName'
  | 'quarter'
  | 'day'
  | 'weekYear'
  | 'week'
  | 'weekDay'
  | 'hour'
  | 'halfHour'
  | 'minute'
  | 'second'
  | 'fraction'
  | 'half'
  | 'offset';

interface Pattern {
  /** Without anchors; groups in the order of `fields`. The same text is a pattern for JavaScript and for DuckDB. */
  readonly pattern: string;
  readonly fields: readonly Field[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH_NAMES =
  'january|february|march|april|may|june|july|august|september|october|november|december|sept|jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|dec';
const OFFSET = 'Z|z|[+-]\\d{2}(?::?\\d{2})?';

const TOKENS: Readonly<Record<string, readonly [Field | undefined, string]>> = {
  yyyy: ['year', '\\d{4}'],
  yy: ['shortYear', '\\d{2}'],
  MMMM: ['monthName', MONTH_NAMES],
  MMM: ['monthName', MONTH_NAMES],
  MM: ['month', '\\d{2}'],
  M: ['month', '\\d{1,2}'],
  Q: ['quarter', '[1-4]'],
  YYYY: ['weekYear', '\\d{4}'],
  ww: ['week', '\\d{2}'],
  w: ['week', '\\d{1,2}'],
  e: ['weekDay', '[1-7]'],
  dd: ['day', '\\d{2}'],
  d: ['day', '\\d{1,2}'],
  HH: ['hour', '\\d{2}'],
  H: ['hour', '\\d{1,2}'],
  hh: ['halfHour', '\\d{2}'],
  h: ['halfHour', '\\d{1,2}'],
  mm: ['minute', '\\d{2}'],
  m: ['minute', '\\d{1,2}'],
  ss: ['second', '\\d{2}'],
  s: ['second', '\\d{1,2}'],
  SSS: ['fraction', '\\d{1,9}'],
  S: ['fraction', '\\d{1,9}'],
  a: ['half', '[aApP]\\.?[mM]\\.?'],
  ZZ: ['offset', OFFSET],
  Z: ['offset', OFFSET],
  EEE: [undefined, '[A-Za-z]{2,4}\\.?'],
  EEEE: [undefined, '[A-Za-z]+'],
};

/** Years of two digits: 70 to 99 are of the last century. */
const PIVOT = 70;

/** The same without groups, whose capture takes DuckDB a hundred times as long, and with the ranges that its cast would stretch. */
const ISO_SQL = `${BLANK}*\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}(?:[Tt ] *(?:[01]?\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:[.,]\\d{1,9})?)?${BLANK}*(?:[Zz]|[Uu][Tt][Cc]|[+-](?:0\\d|1[0-8])(?::?[0-5]\\d)?)?)?${BLANK}*`;

/** ISO 8601 and what differs from it without being ambiguous: the year comes first, with four digits. */
const ISO: Pattern = {
  pattern:
    '(\\d{4})[-/.](\\d{1,2})[-/.](\\d{1,2})(?:[T ] *(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:[.,](\\d{1,9}))?)?\\s*(Z|z|UTC|[+-]\\d{2}(?::?\\d{2})?)?)?',
  fields: ['year', 'month', 'day', 'hour', 'minute', 'second', 'fraction', 'offset'],
};

const compiled = new Map<string, Pattern>();

function compile(format: string): Pattern {
  const have = compiled.get(format);
  if (have !== undefined) return have;
  let pattern = '';
  const fields: Field[] = [];
  for (let at = 0; at < format.length;) {
    const quoted = /^'([^']*)'/.exec(format.slice(at));
    const letters = /^([A-Za-z])\1*/.exec(format.slice(at));
    if (quoted !== null) {
      pattern += escape(quoted[1] === '' ? "'" : quoted[1]!);
      at += quoted[0].length;
    } else if (letters !== null) {
      const token = Object.hasOwn(TOKENS, letters[0]) ? TOKENS[letters[0]]! : undefined;
      if (token === undefined)
        throw new PerennialError('CONFIG_INVALID', `timestamp.format: "${letters[0]}" in "${format}" has no meaning.`, {
          hint: `Meanings have ${Object.keys(TOKENS).join(', ')}; other letters stand in quotes: 'T'.`,
        });
      const [field, own] = token;
      if (field !== undefined && fields.includes(field))
        throw new PerennialError('CONFIG_INVALID', `timestamp.format: "${format}" names the ${field} twice.`);
      if (field === undefined) pattern += `(?:${own})`;
      else {
        pattern += `(${own})`;
        fields.push(field);
      }
      at += letters[0].length;
    } else {
      pattern += /\s/.test(format[at]!) ? `${BLANK}+` : escape(format[at]!);
      at += 1;
    }
  }
  checkFields(format, fields);
  if (fields.includes('halfHour') !== fields.includes('half'))
    throw new PerennialError(
      'CONFIG_INVALID',
      `timestamp.format: in "${format}" the hours 1 to 12 (hh) and AM or PM (a) belong together.`,
      { hint: 'Write HH for the hours 0 to 23.' },
    );
  const made = { pattern, fields };
  compiled.set(format, made);
  return made;
}

/** A day, a month, a quarter, a year, or a week: what is named must be whole from the year down. */
function checkFields(format: string, fields: readonly Field[]): void {
  const has = (...names: Field[]): boolean => names.some((name) => fields.includes(name));
  const refuse = (problem: string, hint: string): never => {
    throw new PerennialError('CONFIG_INVALID', `timestamp.format: "${format}" ${problem}.`, { hint });
  };
  if (has('weekYear', 'week', 'weekDay')) {
    if (has('year', 'shortYear', 'month', 'monthName', 'quarter', 'day') || !has('weekYear') || !has('week'))
      refuse(
        'mixes weeks with months, or lacks the week or its year',
        `Weeks of ISO 8601 are written "YYYY-'W'ww", or with the day "YYYY-'W'ww-e".`,
      );
  } else if (!has('year', 'shortYear')) refuse('does not say the year', 'For example: "dd/MM/yyyy", "MM-dd-yyyy HH:mm", "yyyy-MM".');
  else if (has('day') && !has('month', 'monthName'))
    refuse('says the day and not the month', 'For example: "dd/MM/yyyy", "MM-dd-yyyy HH:mm", "yyyy-MM".');
  else if (has('quarter') && has('month', 'monthName', 'day')) refuse('names quarters and months', `For example: "yyyy-'Q'Q", "yyyy-MM".`);
  if (has('hour', 'halfHour', 'minute', 'second') && !has('day', 'weekDay'))
    refuse('says the time and not the day', 'For example: "dd/MM/yyyy HH:mm".');
}

/** Day of the calendar on which a week of ISO 8601 begins, or a day of it; NaN for weeks that a year does not have. */
function dayOfWeek(year: number, week: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, 0, 4);
  const monday = date.getTime() - ((date.getUTCDay() + 6) % 7) * DAY + (week - 1) * 7 * DAY;
  return week >= 1 && new Date(monday + 3 * DAY).getUTCFullYear() === year ? monday + (day - 1) * DAY : Number.NaN;
}

const DAY = 86_400_000;

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** @throws CONFIG_INVALID for a pattern or zone that has no meaning */
export function checkTimestampFormat({ format, zone, unit }: TimestampFormat): void {
  if (format !== undefined) compile(format);
  if (zone !== undefined) offsetAt(zone, 0);
  // UTC is where units count, and what a zone that is left out is filled in with.
  if (unit !== undefined && (format !== undefined || (zone !== undefined && zone !== 'UTC')))
    throw new PerennialError('CONFIG_INVALID', 'timestamp: "unit" is of numbers since 1970 in UTC; "format" and "zone" are of texts.', {
      hint: 'Leave out "unit" where the values are texts, and "format" and "zone" where they are numbers.',
    });
}

const UNITS = { s: 1_000, ms: 1, us: 1 / 1_000, ns: 1 / 1_000_000 } as const;

/** What timestamps of DuckDB and of JavaScript both hold: years 1 to 9999. */
const MOMENT_MIN = -62_135_596_800_000;
const MOMENT_MAX = 253_402_300_799_999;

/** Milliseconds since 1970 (UTC) of a number that counts from there; NaN where that is beyond the years 1 to 9999. */
export function momentOfNumber(value: number, format: TimestampFormat | undefined): number {
  if (format?.format !== undefined && Number.isInteger(value)) {
    // 202401 by "yyyyMM": a source that knows numbers, and whoever sends one, writes such a text without quotes.
    const written = momentOfText(String(value), format);
    if (!Number.isNaN(written)) return written;
  }
  const moment = Math.floor(value * UNITS[format?.unit ?? 'ms']);
  return moment >= MOMENT_MIN && moment <= MOMENT_MAX ? moment : Number.NaN;
}

/** Milliseconds since 1970 (UTC) of a text; NaN where it is no point in time of this form. */
export function momentOfText(text: string, format: TimestampFormat | undefined): number {
  const { pattern, fields } = format?.format === undefined ? ISO : compile(format.format);
  const match = new RegExp(`^\\s*(?:${pattern})\\s*$`, 'i').exec(text);
  if (match === null) return Number.NaN;
  const part = (field: Field): string => (fields.includes(field) ? (match[fields.indexOf(field) + 1] ?? '') : '');
  let hour = Number(part('hour') || '0');
  if (fields.includes('halfHour')) {
    const half = Number(part('halfHour'));
    if (half < 1 || half > 12) return Number.NaN;
    hour = (half % 12) + (/^p/i.test(part('half')) ? 12 : 0);
  }
  const minute = Number(part('minute') || '0');
  const second = Number(part('second') || '0');
  if (hour > 23 || minute > 59 || second > 59) return Number.NaN;
  const local = dayOf(fields, part) + hour * 3_600_000 + minute * 60_000 + second * 1_000 + Number(`${part('fraction')}000`.slice(0, 3));
  if (Number.isNaN(local)) return Number.NaN;
  const offset = part('offset');
  if (offset !== '') {
    const shift = offsetOf(offset);
    return Number.isNaN(shift) ? Number.NaN : local - shift;
  }
  return format?.zone === undefined || format.zone === 'UTC' ? local : momentOf(local, format.zone);
}

/** The day that the parts of a text name, or the first one of what they name. */
function dayOf(fields: readonly Field[], part: (field: Field) => string): number {
  const number = (field: Field, otherwise: number): number => (fields.includes(field) ? Number(part(field)) : otherwise);
  if (fields.includes('weekYear')) return dayOfWeek(number('weekYear', 0), number('week', 0), number('weekDay', 1));
  const year = fields.includes('year') ? number('year', 0) : number('shortYear', 0) + (number('shortYear', 0) < PIVOT ? 2_000 : 1_900);
  const month = fields.includes('monthName')
    ? MONTHS.indexOf(part('monthName').slice(0, 3).toLowerCase()) + 1
    : number('month', 3 * number('quarter', 1) - 2);
  const day = number('day', 1);
  if (year < 1 || month < 1 || month > 12 || day < 1) return Number.NaN;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCDate() === day ? date.getTime() : Number.NaN;
}

function offsetOf(text: string): number {
  if (/^(z|utc)$/i.test(text)) return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(3).replace(':', '') || '0');
  if (hours > 18 || minutes > 59) return Number.NaN;
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** SQL of a text as TIMESTAMP in UTC, as {@link momentOfText} reads it; NULL where it is none. */
export function timestampOfTextSql(c: string, format: TimestampFormat | undefined): string {
  if (format?.format === undefined) return isoSql(c, format?.zone);
  const { pattern, fields } = compile(format.format);
  const names = fields.map((field) => literal(field)).join(', ');
  const found = `regexp_extract(${c}, ${literal(`(?i)^${BLANK}*(?:${pattern})${BLANK}*$`)}, [${names}])`;
  const has = (field: Field): boolean => fields.includes(field);
  const part = (field: Field): string => `p.${field}`;
  const whole = (field: Field): string => (has(field) ? `coalesce(try_cast(${part(field)} AS INTEGER), 0)` : '0');
  const year = has('weekYear')
    ? whole('weekYear')
    : has('year')
      ? whole('year')
      : `${whole('shortYear')} + CASE WHEN ${whole('shortYear')} < ${PIVOT} THEN 2000 ELSE 1900 END`;
  const month = has('month')
    ? whole('month')
    : has('quarter')
      ? `3 * ${whole('quarter')} - 2`
      : !has('monthName')
        ? '1'
        : `list_position([${MONTHS.map(literal).join(', ')}], lower(left(${part('monthName')}, 3)))`;
  const hour = has('halfHour')
    ? `CASE WHEN ${whole('halfHour')} BETWEEN 1 AND 12 THEN ${whole('halfHour')} % 12 + CASE WHEN lower(${part('half')}) LIKE 'p%' THEN 12 ELSE 0 END ELSE 99 END`
    : whole('hour');
  const millis = has('fraction') ? `coalesce(try_cast(left(${part('fraction')} || '000', 3) AS BIGINT), 0)` : '0';
  const clock = `${hour}, ${whole('minute')}, CAST(${whole('second')} AS DOUBLE)`;
  const local = has('weekYear')
    ? weekSql(year, whole('week'), has('weekDay') ? whole('weekDay') : '1', `epoch_ms(make_timestamp(1970, 1, 1, ${clock})) + ${millis}`)
    : `(epoch_ms(make_timestamp(${year}, ${month}, ${has('day') ? whole('day') : '1'}, ${clock})) + ${millis})`;
  const checked = `${year} >= 1 AND ${hour} <= 23 AND ${whole('minute')} <= 59 AND ${whole('second')} <= 59`;
  const shift = has('offset') ? offsetSql(part('offset')) : 'NULL';
  const zoned = format?.zone === undefined || format.zone === 'UTC' ? '0' : zoneSql('l.local', format.zone);
  // Lambdas name what is computed once: the parts of the text, then the reading of the clock.
  const moment = `list_transform([struct_pack(local := TRY(${local}), own := ${shift}, stated := ${has('offset') ? `${part('offset')} <> ''` : 'false'})], lambda l: CASE WHEN l.stated THEN l.local - l.own ELSE l.local - ${zoned} END)[1]`;
  const picked = `list_transform([${found}], lambda p: CASE WHEN ${part(fields[0]!)} <> '' AND ${checked} THEN ${moment} END)[1]`;
  return `CASE WHEN ${c} IS NOT NULL THEN make_timestamp_ms(CAST(${picked} AS BIGINT)) END`;
}

/** SQL of the milliseconds of a day of a week, with those of the clock; NULL for weeks that a year does not have. */
function weekSql(year: string, week: string, day: string, clock: string): string {
  const first = `make_date(${year}, 1, 4)`;
  const monday = `(${first} - CAST(isodow(${first}) - 1 AS INTEGER) + (${week} - 1) * 7)`;
  return `(CASE WHEN ${week} >= 1 AND year(${monday} + 3) = ${year} THEN epoch_ms(CAST(${monday} + (${day} - 1) AS TIMESTAMP)) + ${clock} END)`;
}

/** The usual form, which DuckDB's cast takes as it stands. */
const ISO_USUAL =
  '\\d{4}-\\d{2}-\\d{2}(?:[T ](?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d{1,3})?(?:Z|[+-](?:0\\d|1[0-8]):[0-5]\\d)?)?)?';

/** As DuckDB's own cast reads it, of texts that are written in this form only. */
function isoSql(c: string, zone: string | undefined): string {
  const rewritten = [
    // One mark between the parts of a date, one blank before the time.
    ['^(\\d{4})[/.-](\\d{1,2})[/.-](\\d{1,2})[Tt ]? *', '\\1-\\2-\\3 '],
    [`${BLANK}*([Zz]|[Uu][Tt][Cc])$`, '+00:00'],
    // The cast asks for seconds before a zone.
    [`( \\d{1,2}:\\d{2})(${BLANK}*[+-][\\d:]+)$`, '\\1:00\\2'],
    [',', '.'],
    // Digits beyond milliseconds are cut off, as a request that is parsed in JavaScript has it.
    ['(\\.\\d{3})\\d+', '\\1'],
    [`${BLANK}+([+-])`, '\\1'],
  ].reduce((text, [pattern, by]) => `regexp_replace(${text}, ${literal(pattern!)}, ${literal(by!)})`, `trim(${c}, ${literal(BLANKS)})`);
  const cast = (text: string): string => `CAST(try_cast(${text} AS TIMESTAMPTZ) AS TIMESTAMP)`;
  const read = `CASE WHEN regexp_full_match(${c}, ${literal(ISO_USUAL)}) THEN ${cast(c)} ELSE ${cast(`rtrim(${rewritten})`)} END`;
  const moment =
    zone === undefined || zone === 'UTC'
      ? read
      : `CASE WHEN regexp_matches(${c}, ${literal(`:.*([Zz]|[Uu][Tt][Cc]|[+-]\\d{2}(:?\\d{2})?)${BLANK}*$`)}) THEN ${read} ELSE make_timestamp_ms(list_transform([epoch_ms(${read})], lambda local: local - (${zoneSql('local', zone)}))[1]) END`;
  return `CASE WHEN regexp_full_match(${c}, ${literal(ISO_SQL)}) AND NOT starts_with(ltrim(${c}, ${literal(BLANKS)}), '0000') THEN ${moment} END`;
}

function offsetSql(text: string): string {
  const hours = `try_cast(substr(${text}, 2, 2) AS INTEGER)`;
  const minutes = `coalesce(try_cast(replace(substr(${text}, 4), ':', '') AS INTEGER), 0)`;
  return `CASE WHEN lower(${text}) IN ('z', 'utc') THEN 0 WHEN ${hours} <= 18 AND ${minutes} <= 59 THEN CASE WHEN ${text} LIKE '-%' THEN -1 ELSE 1 END * (${hours} * 60 + ${minutes}) * 60000 END`;
}

function zoneSql(local: string, zone: string): string {
  const offsets = zoneOffsets(zone);
  const cases = offsets.slice(1).map((one, index) => `WHEN ${local} < ${one.local} THEN ${offsets[index]!.offset}`);
  return `CASE ${cases.join(' ')} ELSE ${offsets.at(-1)!.offset} END`;
}

/** SQL of a number as TIMESTAMP, as {@link momentOfNumber} reads it. */
export function timestampOfNumberSql(c: string, format: TimestampFormat | undefined): string {
  const unit = UNITS[format?.unit ?? 'ms'];
  const moment = unit >= 1 ? `floor(CAST(${c} AS DOUBLE) * ${unit})` : `floor(CAST(${c} AS DOUBLE) * CAST('${unit}' AS DOUBLE))`;
  const counted = `CASE WHEN ${moment} BETWEEN ${MOMENT_MIN} AND ${MOMENT_MAX} THEN make_timestamp_ms(CAST(${moment} AS BIGINT)) END`;
  if (format?.format === undefined) return counted;
  const whole = `CASE WHEN ${c} = trunc(${c}) THEN CAST(try_cast(${c} AS HUGEINT) AS VARCHAR) END`;
  return `coalesce(${timestampOfTextSql(`(${whole})`, format)}, ${counted})`;
}

/** SQL: a text could be a date whose order of day and month nobody can tell, such as 03/04/2024. */
export function isAmbiguousDateSql(c: string): string {
  return `regexp_full_match(${c}, '\\s*\\d{1,2}([-/.])\\d{1,2}[-/.](\\d{4}|\\d{2})([T ].*)?\\s*')`;
}
