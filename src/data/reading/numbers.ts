import { literal } from '../table/duckdb.ts';
import { BLANK } from './blanks.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import type { NumberFormat } from './value-format.ts';

/**
 * Texts that stand for a missing value where the other values of a column are numbers, points in time or true and false. In a
 * column of texts they are texts: "None" and "?" may be categories.
 */
export const MISSING_WORDS: readonly string[] = [
  'na',
  'n/a',
  '#n/a',
  '<na>',
  'nan',
  '-nan',
  'null',
  'none',
  'nil',
  '?',
  '-',
  '--',
  '.',
  '#null!',
  '#num!',
  '#div/0!',
  '#value!',
  '#ref!',
];

/** Fields of a CSV file that mean a missing value in every column, unless the document says which do. */
export const CSV_MISSING: readonly string[] = ['', 'NA', 'N/A', 'null', 'NULL'];

const missing = new Set(MISSING_WORDS);

/** Whether a text stands for a missing value in a column of numbers. */
export function isMissingWord(text: string): boolean {
  return missing.has(text.trim().toLowerCase());
}

export function missingWordSql(c: string): string {
  // A list of constants after IN would be planned as a join of its own for every column.
  return `regexp_full_match(${c}, ${literal(MISSING_PATTERN)})`;
}

const MISSING_PATTERN = `(?i)${BLANK}*(?:${MISSING_WORDS.map((word) => word.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('|')})?${BLANK}*`;

/** Digits with a point, and infinities; never hexadecimal, underscores or other scripts, whatever a program would take. */
const PLAIN = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?)$/i;

/** Blanks around a number of a declared format. */
const BLANKS = ' \t\r\n\u00a0\u202f\u2009\u2007';

interface Grammar {
  /** Of the digits, without signs of currency and percent. */
  readonly pattern: string;
  /** Characters that are left out between the digits. */
  readonly groups: string;
}

const GROUPS: Readonly<Record<string, string>> = { ' ': ' \u00a0\u202f\u2009', "'": "'’" };

function grammarOf({ decimal = '.', thousands }: NumberFormat): Grammar {
  const groups = thousands === undefined ? '' : (GROUPS[thousands] ?? thousands);
  const point = `[${decimal}]`;
  const whole = groups === '' ? '\\d+' : `(?:\\d{1,3}(?:[${groups}]\\d{3})+|\\d+)`;
  return { pattern: `[+-]?(?:${whole}(?:${point}\\d*)?|${point}\\d+)(?:[eE][+-]?\\d+)?`, groups };
}

/** Signs of currency, or a code of three letters, before or after the number. */
const CURRENCY = '(?:\\p{Sc}|[A-Za-z]{3})';
const MINUS = '\u2212';
/** What accounts write for "-12": "(12)" and "12-". With two signs it is no number. */
const ENCLOSED = `^\\([${BLANKS}]*(.*?)[${BLANKS}]*\\)$`;
const BEHIND = `^([^+-].*?)[${BLANKS}]*-$`;
const [ENCLOSED_TEXT, BEHIND_TEXT] = [new RegExp(ENCLOSED), new RegExp(BEHIND)];

/** The number that a text is, by a declared format or without one; NaN where it is none. */
export function numberOfText(text: string, format: NumberFormat | undefined): number {
  if (format === undefined) {
    const trimmed = text.replace(/^[ \t\r\n\v\f]+|[ \t\r\n\v\f]+$/g, '');
    if (!PLAIN.test(trimmed)) return Number.NaN;
    return /inf/i.test(trimmed) ? (trimmed.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY) : Number(trimmed);
  }
  const { pattern, groups } = grammarOf(format);
  let rest = trimBlanks(text).replaceAll(MINUS, '-');
  let sign = 1;
  let scale = 1;
  if (format.accounting === true) rest = rest.replace(ENCLOSED_TEXT, '-$1');
  if (format.currency === true) {
    if (format.accounting !== true && /^\(.*\)$/.test(rest)) {
      sign = -1;
      rest = trimBlanks(rest.slice(1, -1));
    }
    // The sign may stand before the currency: "-€ 12".
    const before = new RegExp(`^([+-]?)\\s*${CURRENCY}\\s*`, 'u').exec(rest);
    if (before !== null) rest = before[1]! + rest.slice(before[0].length);
    else rest = rest.replace(new RegExp(`\\s*${CURRENCY}$`, 'u'), '');
  }
  if (format.unit !== undefined && rest.endsWith(format.unit)) rest = trimBlanks(rest.slice(0, -format.unit.length));
  // The currency may stand outside of the parentheses: "$ (12)".
  if (format.accounting === true) rest = rest.replace(ENCLOSED_TEXT, '-$1').replace(BEHIND_TEXT, '-$1');
  if (format.percent === true && rest.endsWith('%')) {
    scale = 100;
    rest = trimBlanks(rest.slice(0, -1));
  }
  if (!new RegExp(`^${pattern}$`).test(rest)) return Number.NaN;
  const plain = [...rest]
    .filter((char) => !groups.includes(char))
    .join('')
    .replace(format.decimal ?? '.', '.');
  return (sign * Number(plain)) / scale;
}

function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && BLANKS.includes(text[start]!)) start += 1;
  while (end > start && BLANKS.includes(text[end - 1]!)) end -= 1;
  return text.slice(start, end);
}

const trimSql = (c: string): string => `trim(${c}, ${literal(BLANKS)})`;

/**
 * SQL of the number that a text is, as {@link numberOfText} reads it; NULL where it is none. Without a format DuckDB's own cast does
 * the work, since it is fast, and what it takes beyond our grammar is taken out again.
 */
export function numberSql(c: string, format: NumberFormat | undefined): string {
  // DuckDB's cast also takes digits in groups of "_", and trims fewer kinds of blanks than we do.
  if (format === undefined)
    return `CASE WHEN isnan(try_cast(${c} AS DOUBLE)) OR contains(${c}, '_') THEN NULL ELSE try_cast(${c} AS DOUBLE) END`;
  const { pattern, groups } = grammarOf(format);
  let rest = `replace(${trimSql(c)}, ${literal(MINUS)}, '-')`;
  let sign = '1';
  const signed = (text: string, pattern: string): string => `regexp_replace(${text}, ${literal(pattern)}, '-\\1')`;
  if (format.accounting === true) rest = signed(rest, ENCLOSED);
  else if (format.currency === true) {
    const inner = rest;
    sign = `CASE WHEN regexp_full_match(${inner}, '\\(.*\\)') THEN -1 ELSE 1 END`;
    rest = `CASE WHEN regexp_full_match(${inner}, '\\(.*\\)') THEN ${trimSql(`substr(${inner}, 2, length(${inner}) - 2)`)} ELSE ${inner} END`;
  }
  if (format.currency === true) {
    const before = `^([+-]?)\\s*${CURRENCY}\\s*`;
    rest = `CASE WHEN regexp_matches(${rest}, ${literal(before)}) THEN regexp_replace(${rest}, ${literal(before)}, '\\1') ELSE regexp_replace(${rest}, ${literal(`\\s*${CURRENCY}$`)}, '') END`;
  }
  if (format.unit !== undefined) {
    const unit = literal(format.unit);
    rest = `CASE WHEN suffix(${rest}, ${unit}) THEN ${trimSql(`left(${rest}, length(${rest}) - length(${unit}))`)} ELSE ${rest} END`;
  }
  if (format.accounting === true) rest = signed(signed(rest, ENCLOSED), BEHIND);
  let scale = '1';
  if (format.percent === true) {
    scale = `CASE WHEN suffix(${rest}, '%') THEN 100 ELSE 1 END`;
    rest = `CASE WHEN suffix(${rest}, '%') THEN ${trimSql(`left(${rest}, length(${rest}) - 1)`)} ELSE ${rest} END`;
  }
  const digits = [...groups].reduce((text, char) => `replace(${text}, ${literal(char)}, '')`, rest);
  const plain = (format.decimal ?? '.') === '.' ? digits : `replace(${digits}, ${literal(format.decimal!)}, '.')`;
  return `CASE WHEN regexp_full_match(${rest}, ${literal(pattern)}) THEN (${sign}) * try_cast(${plain} AS DOUBLE) / (${scale}) END`;
}

/**
 * SQL: the text is like 2E5. Programs that write numbers give the exponent a sign or the digits a point: a column of nothing else holds
 * codes.
 */
export function looksLikePowerSql(c: string): string {
  return `regexp_full_match(${c}, '\\s*\\d+[eE]\\d+\\s*')`;
}

/** SQL: the text is a code, which a number would change: zeros stand in front, or it is an integer beyond 2^53. */
export function isCodeSql(c: string, number: string): string {
  const zero = `((starts_with(${c}, '0') AND substr(${c}, 2, 1) BETWEEN '0' AND '9') OR regexp_full_match(${c}, '\\s*[+-]?0\\d+\\s*'))`;
  return `((starts_with(${c}, '0') OR starts_with(${c}, '-') OR starts_with(${c}, '+') OR starts_with(${c}, ' ')) AND ${zero}) OR (abs(${number}) > ${DATA_LIMITS.integerMax} AND regexp_full_match(${c}, '\\s*[+-]?\\d+\\s*'))`;
}
