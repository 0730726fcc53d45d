import { HAS_ESCAPE, canonical, escapesOf } from './secret-escapes.ts';
import type { Piece } from './secret-escapes.ts';
import { CERTAIN_CHARS_MIN, MASKED_CHARS_MIN, inBase64, spellingsOf } from './secret-spellings.ts';

/** Bytes in hexadecimal with what is written between them. */
const HEX_LIST = /(?:0x|\\{1,4}x)?(?:[0-9a-fA-F]{2}){1,8}(?:(?:[ :,;_.-]{1,2}(?:0x)?|\\{1,4}x)(?:[0-9a-fA-F]{2}){1,8}){3,}(?![g-z])/g;
/** Bytes written as decimal numbers, as lists of them are printed. */
const DECIMAL_LIST = /\d{1,3}(?:(?:,\s?|\s)\d{1,3}){7,}/g;
/** Digits and characters of base64 in a row from which on they are looked at. */
const HEX_MIN = 16;
const BASE64_MIN = 10;

/** Of each character of ASCII: 2 a hexadecimal digit, 1 another one of base64. */
const CLASS = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  return /[0-9a-fA-F]/.test(character) ? 2 : /[A-Za-z+/_-]/.test(character) ? 1 : 0;
});

type Range = readonly [from: number, to: number];

/** Finds secrets in texts and bytes, in any mixture of spellings, in a time that grows with the length of the text. */
export class SecretFinder {
  /** Whether there is nothing to look for. */
  readonly isEmpty: boolean;
  /** Bytes that pieces of a file have to share, so that no spelling is cut. */
  readonly span: number;
  /** Numbers that are a secret. */
  readonly numbers: ReadonlySet<string>;
  readonly #spelt: RegExp | undefined;
  readonly #certain: RegExp | undefined;
  readonly #bytes: RegExp | undefined;
  /** Secrets as the canonical form of a text shows them. */
  readonly #plain: readonly string[];
  readonly #hex = new Windows(12, 4);
  readonly #base64 = new Windows(8, 3);

  constructor(secrets: readonly string[]) {
    this.numbers = new Set(secrets.filter((secret) => secret.length >= MASKED_CHARS_MIN));
    const spellings = secrets.flatMap(wholeSpellings);
    const long = secrets.filter((secret) => secret.length >= CERTAIN_CHARS_MIN);
    const certain = long.flatMap(wholeSpellings).filter((text) => text.length >= CERTAIN_CHARS_MIN);
    this.#spelt = alternatives(spellings);
    this.#certain = alternatives(certain);
    this.#bytes = alternatives([
      ...certain.map((text) => latin1(Buffer.from(text))),
      ...long.flatMap((text) => inTwoBytes(text).map((bytes) => bytes.toString('latin1'))),
    ]);
    this.isEmpty = this.#spelt === undefined;
    this.span = Math.max(0, ...long.map((secret) => secret.length)) * 16;
    const plain = new Set<string>();
    for (const secret of long) {
      const bytes = Buffer.from(secret, 'utf8');
      const parts = [secret, secret.trim(), ...(secret.includes('\n') ? secret.split('\n').map((line) => line.trim()) : [])];
      for (const part of parts) for (const text of [part, part.replaceAll(' ', '+'), latin1(Buffer.from(part))]) plain.add(canonical(text));
      for (const wide of inTwoBytes(secret)) plain.add(canonical(wide.toString('latin1')));
      for (const one of [bytes, ...inTwoBytes(secret)]) {
        this.#hex.add(one.toString('hex'));
        for (const inside of inBase64(one)) this.#base64.add(inside);
      }
    }
    this.#plain = [...plain].filter((text) => text.length >= CERTAIN_CHARS_MIN);
  }

  /** A text with `***` in place of every secret. */
  hide(text: string): string {
    const hidden = this.#hideEncoded(text);
    return this.#spelt === undefined ? hidden : hidden.replace(this.#spelt, '***');
  }

  /** The key of an object, in which short secrets stand by chance. */
  hideInKey(key: string): string {
    return this.#certain === undefined ? key : this.#hideEncoded(key).replace(this.#certain, '***');
  }

  /** Whether bytes of a file hold a secret of eight characters or more. */
  isIn(bytes: Buffer): boolean {
    if (this.#bytes === undefined) return false;
    const text = bytes.toString('latin1');
    this.#bytes.lastIndex = 0;
    if (this.#bytes.test(text)) return true;
    if (HAS_ESCAPE.test(text)) {
      const shown = canonical(text);
      if (this.#plain.some((secret) => shown.includes(secret))) return true;
    }
    return this.#encodedRanges(text).next().done !== true;
  }

  #hideEncoded(text: string): string {
    if (text.length < CERTAIN_CHARS_MIN || this.#plain.length === 0) return text;
    const hidden = HAS_ESCAPE.test(text) ? cutOut(text, this.#escapedRanges(text)) : text;
    return cutOut(hidden, [...this.#encodedRanges(hidden)]);
  }

  #escapedRanges(text: string): Range[] {
    const shown = canonical(text);
    const found = this.#plain.flatMap((secret) => occurrences(shown, secret));
    return found.length === 0 ? [] : inSource(text, found);
  }

  *#encodedRanges(text: string): Generator<Range> {
    let base64 = 0;
    let hex = 0;
    // Short groups of digits, one soon after another: what a list of bytes is made of.
    let groups = 0;
    let lists = false;
    for (let at = 0; at <= text.length; at += 1) {
      const code = at < text.length ? text.charCodeAt(at) : 0;
      const kind = code < 128 ? CLASS[code]! : 0;
      if (kind === 2) continue;
      const digits = at - hex;
      if (digits >= HEX_MIN && this.#hex.touch(text.slice(hex, at).toLowerCase())) yield [hex, at];
      if (digits > 0) groups = digits <= HEX_MIN ? groups + 1 : 0;
      else if (kind === 1 && code !== 0x78) groups = 0;
      if (groups >= 4) lists = true;
      hex = at + 1;
      if (kind === 1) continue;
      if (at - base64 >= BASE64_MIN && this.#base64.touch(text.slice(base64, at))) yield [base64, at];
      base64 = at + 1;
    }
    if (!lists) return;
    for (const match of text.matchAll(HEX_LIST)) {
      const digits = match[0].replace(/(?:^0|[ :,;_.-]0)x/g, '').replace(/[^0-9a-fA-F]+/g, '');
      if (this.#hex.touch(digits.toLowerCase())) yield [match.index, match.index + match[0].length];
    }
    for (const match of text.matchAll(DECIMAL_LIST)) {
      const digits = Buffer.from(match[0].split(/[,\s]+/).map(Number)).toString('hex');
      if (this.#hex.touch(digits)) yield [match.index, match.index + match[0].length];
    }
  }
}

/** Pieces of known texts. Whatever shares enough characters in a row with one of them is found by looking at some places only. */
class Windows {
  readonly #known = new Set<string>();
  /** Whether a piece may begin with four such characters. */
  readonly #beginnings = new Uint8Array(1 << 18);
  readonly #length: number;
  readonly #stride: number;

  /** `length + stride - 1` characters in a row are found wherever they stand. */
  constructor(length: number, stride: number) {
    this.#length = length;
    this.#stride = stride;
  }

  add(text: string): void {
    for (let at = 0; at + this.#length <= text.length; at += 1) {
      this.#known.add(text.slice(at, at + this.#length));
      this.#beginnings[beginning(text, at)] = 1;
    }
  }

  touch(text: string): boolean {
    const last = text.length - this.#length;
    for (let at = 0; at <= last; at += this.#stride) if (this.#isAt(text, at)) return true;
    return last >= 0 && this.#isAt(text, last);
  }

  #isAt(text: string, at: number): boolean {
    return this.#beginnings[beginning(text, at)] === 1 && this.#known.has(text.slice(at, at + this.#length));
  }
}

function beginning(text: string, at: number): number {
  const first = text.charCodeAt(at) * 0x9e37 + text.charCodeAt(at + 1) * 0x79b1;
  const second = text.charCodeAt(at + 2) * 0x85eb + text.charCodeAt(at + 3) * 0xc2b3 + text.charCodeAt(at + 5) * 0x27d5;
  return ((first * 31) ^ second) & 0x3ffff;
}

/** Spellings that the canonical form and the pieces do not show. */
function wholeSpellings(secret: string): string[] {
  if (secret.length < CERTAIN_CHARS_MIN || /[\\%&'\0\r\n\t]/.test(secret)) return spellingsOf(secret);
  return [secret, secret.trim(), secret.replaceAll(' ', '+')].filter((text) => text.length >= MASKED_CHARS_MIN);
}

/** The longest first: a secret that begins like another leaves nothing of it. */
function alternatives(texts: readonly string[]): RegExp | undefined {
  if (texts.length === 0) return undefined;
  const sorted = [...new Set(texts)].sort((a, b) => b.length - a.length);
  return new RegExp(sorted.map((text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('|'), 'g');
}

function latin1(bytes: Buffer): string {
  return bytes.toString('latin1');
}

/** A text in UTF-16, of both orders. */
function inTwoBytes(text: string): Buffer[] {
  const little = Buffer.from(text, 'utf16le');
  return [little, Buffer.from(little).swap16()];
}

function occurrences(text: string, wanted: string): Range[] {
  const found: Range[] = [];
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + wanted.length)) found.push([at, at + wanted.length]);
  return found;
}

/** Places of the canonical form as places of the text. */
function inSource(text: string, found: readonly Range[]): Range[] {
  const pieces = escapesOf(text);
  /** The last escape that begins at a place or before, and stands for something there. */
  const before = (place: number): Piece | undefined => {
    let low = 0;
    let high = pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pieces[middle]!.at <= place) low = middle + 1;
      else high = middle;
    }
    return pieces[low - 1];
  };
  const sourceOf = (place: number, end: boolean): number => {
    const piece = before(place);
    if (piece === undefined) return place + (end ? 1 : 0);
    if (place < piece.at + piece.length) return end ? piece.to : piece.from;
    return piece.to + (place - piece.at - piece.length) + (end ? 1 : 0);
  };
  return found.map(([start, end]) => [sourceOf(start, false), sourceOf(end - 1, true)] as const);
}

function cutOut(text: string, ranges: readonly Range[]): string {
  if (ranges.length === 0) return text;
  let out = '';
  let from = 0;
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (start >= from) out += `${text.slice(from, start)}***`;
    from = Math.max(from, end);
  }
  return out + text.slice(from);
}
