/**
 * Texts with their escapes resolved, to be compared with and never shown: escapes of JSON, Python, C, addresses and markup in any mixture,
 * however often they were escaped again. Backslashes, NUL and carriage returns stand for nothing; a line break and a tab for the letter
 * of their escape.
 */

/** Whether a text has anything that {@link canonical} resolves, line breaks aside. */
export const HAS_ESCAPE = /[\\%&\0\r]/;

/** Beside `amp;`, which may stand before any reference. */
const NAMED = ['lt;', 'gt;', 'quot;', 'apos;'];
const NAMED_MEAN = '<>"\'';
const REFERENCE = /(?:#0*(\d{1,7})|#[xX]0*([0-9a-fA-F]{1,6}));/y;

/** Where a piece of the canonical form comes from. */
export interface Piece {
  /** Its place in the canonical form, and its length there. */
  readonly at: number;
  readonly length: number;
  readonly from: number;
  readonly to: number;
}

export function canonical(text: string): string {
  let out = '';
  let last = 0;
  scan(text, (from, to, meant) => {
    out += text.slice(last, from) + meant;
    last = to;
  });
  return out + text.slice(last);
}

/** The escapes of a text, in order. Between two of them both forms go on alike. */
export function escapesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let last = 0;
  scan(text, (from, to, meant) => {
    at += from - last;
    pieces.push({ at, length: meant.length, from, to });
    at += meant.length;
    last = to;
  });
  return pieces;
}

function scan(text: string, found: (from: number, to: number, meant: string) => void): void {
  let code = -1;
  let end = 0;
  const escape = (start: number): void => {
    end = start;
    while (text.charCodeAt(end) === 0x5c) end += 1;
    code = -1;
    const kind = text.charCodeAt(end);
    const braces = kind === 0x75 && text.charCodeAt(end + 1) === 0x7b ? text.indexOf('}', end + 2) : -1;
    if (braces !== -1 && braces <= end + 8) read(end + 2, braces - end - 2, 16, braces + 1);
    else if (kind === 0x75) read(end + 1, 4, 16);
    else if (kind === 0x55) read(end + 1, 8, 16);
    else if (kind === 0x78) read(end + 1, 2, 16);
    else if (kind <= 0x33) read(end, 3, 8);
  };
  const read = (from: number, length: number, base: number, to = from + length): void => {
    const value = digits(text, from, length, base);
    if (value === -1) return;
    code = value;
    end = to;
  };
  const percent = (start: number): void => {
    let at = start + 1;
    while (text.startsWith('25', at) && digits(text, at + 2, 2, 16) !== -1) at += 2;
    code = digits(text, at, 2, 16);
    end = at + 2;
  };
  const reference = (start: number): void => {
    let at = start + 1;
    while (text.startsWith('amp;', at)) at += 4;
    REFERENCE.lastIndex = at;
    const match = REFERENCE.exec(text);
    if (match !== null) {
      code = match[1] !== undefined ? Number(match[1]) : parseInt(match[2]!, 16);
      end = REFERENCE.lastIndex;
      return;
    }
    const named = NAMED.findIndex((name) => text.startsWith(name, at));
    // What is no reference stands for itself, escaped again or not.
    code = named === -1 ? 0x26 : NAMED_MEAN.charCodeAt(named);
    end = named === -1 ? at : at + NAMED[named]!.length;
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === 0x5c) escape(at);
    else if (character === 0x25) percent(at);
    else if (character === 0x26) reference(at);
    else if (character === 10 || character === 9 || character === 13 || character === 0) {
      code = character;
      end = at + 1;
    } else continue;
    if (code === -1 && character !== 0x5c) continue;
    found(at, end, meantBy(code));
    at = end - 1;
  }
}

/** @returns the number; -1 where it is none */
function digits(text: string, from: number, length: number, base: number): number {
  let value = 0;
  for (let at = from; at < from + length; at += 1) {
    const character = text.charCodeAt(at) | 0x20;
    const digit = character >= 0x30 && character <= 0x39 ? character - 0x30 : character >= 0x61 ? character - 0x57 : 99;
    if (digit >= base) return -1;
    value = value * base + digit;
  }
  return length === 0 ? -1 : value;
}

function meantBy(code: number): string {
  if (code <= 0 || code === 13 || code === 0x5c || code > 0x10ffff) return '';
  return code === 10 ? 'n' : code === 9 ? 't' : String.fromCodePoint(code);
}
