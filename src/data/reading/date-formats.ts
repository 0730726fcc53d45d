import { checkTimestampFormat, momentOfText } from './timestamps.ts';

/** Part of a text: digits, letters, or what stands between them. */
interface Piece {
  readonly kind: 'digits' | 'letters' | 'between';
  readonly text: string;
}

const MONTH = /^(jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)$/i;
const LONG_MONTH = /^(january|february|march|april|june|july|august|september|october|november|december)$/i;
const WEEKDAY = /^(mon|tue|wed|thu|fri|sat|sun|tues|thur|thurs)$/i;
const LONG_WEEKDAY = /^(mon|tues|wednes|thurs|fri|satur|sun)day$/i;

/** Ways of writing the three parts of a day, or those above it, in digits. */
const DAY_ORDERS: readonly (readonly string[])[] = [
  ['yyyy', 'MM', 'dd'],
  ['yyyy', 'dd', 'MM'],
  ['dd', 'MM', 'yyyy'],
  ['MM', 'dd', 'yyyy'],
  ['dd', 'MM', 'yy'],
  ['MM', 'dd', 'yy'],
  ['yy', 'MM', 'dd'],
];
const NAMED_ORDERS: readonly (readonly string[])[] = [['dd', 'yyyy'], ['yyyy', 'dd'], ['dd', 'yy'], ['yyyy'], ['yy']];
const MONTH_ORDERS: readonly (readonly string[])[] = [['yyyy', 'MM'], ['MM', 'yyyy'], ['yyyy']];
const TIMES: readonly (readonly string[])[] = [['HH', 'mm', 'ss', 'SSS'], ['HH', 'mm', 'ss'], ['HH', 'mm'], []];

function piecesOf(text: string): Piece[] {
  return [...text.trim().matchAll(/\d+|\p{L}+|[^\d\p{L}]+/gu)].map(([piece]) => ({
    kind: /^\d/.test(piece) ? 'digits' : /^\p{L}/u.test(piece) ? 'letters' : 'between',
    text: piece,
  }));
}

/** The tokens of each run of digits; those of fixed width stand together in "20240131". Undefined where they do not fit. */
function tokensOf(day: readonly string[], clock: readonly string[], runs: readonly string[], named: boolean): string[] | undefined {
  const left = [...day, ...clock];
  const found: string[] = [];
  for (const run of runs) {
    const own: string[] = [];
    let width = 0;
    while (left.length > 0 && width < run.length) {
      const token = left.shift()!;
      own.push(token);
      const short = /^[Qe]$/.test(token) || (own.length === 1 && run.length === 1);
      width += token === 'SSS' ? run.length - width : token.length === 4 ? 4 : short ? 1 : 2;
    }
    // "0320" is no day and a year of two digits where the month stands before.
    const isWhole = own.length === 1 || (!named && day.every((token) => own.includes(token))) || own[0] === clock[0];
    if (width !== run.length || !isWhole || (own.includes('SSS') && own.length > 1)) return undefined;
    found.push(own.join(''));
  }
  return left.length === 0 ? found : undefined;
}

const quoted = (text: string): string => `'${text.replaceAll("'", '')}'`;

/** The pattern of a text whose runs of digits are these tokens; undefined where its letters mean nothing in a date. */
function patternOf(pieces: readonly Piece[], tokens: readonly string[], isShort: boolean): string | undefined {
  let pattern = '';
  let run = 0;
  for (const { kind, text } of pieces) {
    if (kind === 'digits') {
      const token = tokens[run++]!;
      pattern += isShort ? (({ dd: 'd', MM: 'M', HH: 'H', hh: 'h', ww: 'w' } as Record<string, string>)[token] ?? token) : token;
    } else if (kind === 'between') pattern += text.replace(/\s+/g, ' ');
    else if (MONTH.test(text)) pattern += 'MMM';
    else if (LONG_MONTH.test(text)) pattern += 'MMMM';
    else if (WEEKDAY.test(text)) pattern += 'EEE';
    else if (LONG_WEEKDAY.test(text)) pattern += 'EEEE';
    else if (/^[ap]m$/i.test(text)) pattern += 'a';
    else if (/^z$/i.test(text)) pattern += 'ZZ';
    // The zone of texts that name none is UTC anyway; others would be lost in quotes.
    else if (/^([TWQ]|UTC|GMT)$/.test(text)) pattern += quoted(text);
    else return undefined;
  }
  return pattern;
}

/** "11:05:00" is no day, month and year of two digits. */
const TIME_OF_DAY = /^\s*\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*([ap]\.?m\.?)?\s*$/i;

/** Patterns that a text could be written by, the likelier ones first. */
function* candidatesOf(text: string): Generator<string> {
  if (TIME_OF_DAY.test(text)) return;
  // An offset at the end is a part of its own.
  const zone = /:\d{2}(?:[.,]\d+)?(\s*[+-]\d{2}(?::?\d{2})?)$/.exec(text.trim())?.[1] ?? '';
  const pieces = piecesOf(zone === '' ? text : text.trim().slice(0, -zone.length));
  const runs = pieces.flatMap((piece) => (piece.kind === 'digits' ? [piece.text] : []));
  if (runs.length === 0 || runs.length > 7) return;
  const letters = pieces.filter(({ kind }) => kind === 'letters').map((piece) => piece.text);
  const named = letters.some((word) => MONTH.test(word) || LONG_MONTH.test(word));
  const half = letters.some((word) => /^[ap]m$/i.test(word));
  const orders: (readonly string[])[] = letters.includes('W')
    ? [
        ['YYYY', 'ww', 'e'],
        ['YYYY', 'ww'],
      ]
    : letters.includes('Q')
      ? [
          ['yyyy', 'Q'],
          ['Q', 'yyyy'],
        ]
      : named
        ? [...NAMED_ORDERS]
        : [...DAY_ORDERS, ...MONTH_ORDERS];
  for (const order of orders) {
    for (const time of TIMES) {
      const clock = half ? time.map((token) => (token === 'HH' ? 'hh' : token)) : time;
      // "Jan 31 10:00:00 2024" has the year behind the time.
      const tokens = tokensOf(order, clock, runs, named) ?? (named ? tokensOf(['dd'], [...clock, 'yyyy'], runs, named) : undefined);
      if (tokens === undefined) continue;
      for (const isShort of [false, true]) {
        const pattern = patternOf(pieces, tokens, isShort);
        if (pattern !== undefined) yield `${pattern}${zone === '' ? '' : /^\s/.test(zone) ? ' ZZ' : 'ZZ'}`;
      }
    }
  }
}

export interface DateFormat {
  readonly format: string;
  /** So many of the texts are dates by it. */
  readonly read: number;
}

/** Texts from which patterns are derived: days of one and of two digits may both be there. */
const DERIVED_FROM = 8;

/**
 * The patterns by which at least this share of the texts are points in time, those that read the most of them first. Several are
 * given where they read texts differently; of those that read all texts alike, the strictest.
 */
export function dateFormats(texts: readonly string[], share: number): DateFormat[] {
  const found = new Map<string, DateFormat>();
  const tried = new Set<string>();
  const step = Math.max(1, Math.floor(texts.length / DERIVED_FROM));
  for (let at = 0; at < texts.length; at += step) {
    for (const format of candidatesOf(texts[at]!)) {
      if (tried.has(format) || !hasMeaning(format)) continue;
      tried.add(format);
      const moments = texts.map((text) => momentOfText(text, { format }));
      const read = moments.filter((moment) => !Number.isNaN(moment)).length;
      const key = moments.join();
      if (read > 0 && read >= share * texts.length && !found.has(key)) found.set(key, { format, read });
    }
  }
  return [...found.values()].sort((a, b) => b.read - a.read);
}

function hasMeaning(format: string): boolean {
  try {
    checkTimestampFormat({ format });
    return true;
  } catch {
    // A candidate that lacks a part, as hours of a half day without the half.
    return false;
  }
}
