import { closeSync, openSync, readSync } from 'node:fs';
import { addColumn } from '../table/row-digest.ts';
import type { RoundKeys } from '../table/row-digest.ts';
import { isMissingWord, numberOfText } from './numbers.ts';
import { PRIME, PlainTexts, SEED, STRING_WORDS, hashOf } from './plain-texts.ts';

/** Something in the file is not as simple as this reader takes it: the general reader has to tell what it is. */
export class NotPlain extends Error {}

/** What becomes of a column. `leave`: its fields are passed over. */
export type PlainKind = 'number' | 'integer' | 'string' | 'leave';

export interface PlainColumn {
  readonly kind: PlainKind;
  readonly keys: RoundKeys;
}

/** A part of a file: the lines that begin in it. */
export interface PlainPiece {
  readonly path: string;
  /** Lines that are passed over at the beginning of the file. */
  readonly skip: number;
  /** Where it begins and ends, in bytes; without them it is the whole file. */
  readonly start?: number;
  readonly end?: number;
}

export interface PlainLayout {
  readonly pieces: readonly PlainPiece[];
  readonly delimiter: string;
  /** Empty: quotes mean nothing. */
  readonly quote: string;
  readonly nullValues: readonly string[];
  readonly columns: readonly PlainColumn[];
}

/** Rows of a chunk, as the database takes them. */
export const CHUNK_ROWS = 2_048;
/** Bytes that are read at once; a line has to fit. */
const BLOCK_BYTES = 4 * 1024 * 1024;
const LINE_BYTES_MAX = 1024 * 1024;

const LINE_FEED = 10;
const CARRIAGE = 13;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const NINE = 57;
/** Kinds as numbers; those of numbers come last. */
const LEAVE = 0;
const TEXT = 1;
const NUMBER = 2;
const INTEGER = 3;
const CODES: Readonly<Record<PlainKind, number>> = { leave: LEAVE, string: TEXT, number: NUMBER, integer: INTEGER };
/** Powers of ten that a double holds exactly. */
const POWERS = Float64Array.from({ length: 23 }, (_, power) => 10 ** power);

/** A chunk of rows, column by column. */
export interface PlainChunk {
  rows: number;
  /** All of its memory, behind one another as {@link chunkLayout} says. */
  readonly memory: Uint8Array;
  /** By column: the numbers of one of numbers. */
  readonly numbers: readonly Float64Array[];
  /** By column: the 16 bytes by which the database holds a text, of one of texts. */
  readonly words: readonly Uint32Array[];
  /** By column: a bit for each row, 1 where there is a value. */
  readonly present: readonly Uint32Array[];
  /** By column: texts of more than twelve bytes, row by row; undefined where there is none. */
  readonly long: (Map<number, string> | undefined)[];
  readonly digests: BigUint64Array;
  /** What `identitySql` gives for all columns that are not left out, and a bit for each row, 1 where it is known. */
  readonly identities: BigUint64Array;
  readonly identified: Uint32Array;
}

/** Where in the memory of a chunk the parts of it lie, in bytes. */
export interface ChunkLayout {
  /** By column: its values, and the bits of its rows; undefined for one that is left out. */
  readonly columns: readonly ({ readonly values: number; readonly present: number } | undefined)[];
  readonly digests: number;
  readonly identities: number;
  readonly identified: number;
  readonly bytes: number;
}

export function chunkLayout(kinds: readonly PlainKind[]): ChunkLayout {
  let bytes = 0;
  const take = (length: number): number => {
    bytes += length;
    return bytes - length;
  };
  const bits = CHUNK_ROWS / 8;
  const columns = kinds.map((kind) =>
    kind === 'leave' ? undefined : { values: take(CHUNK_ROWS * (kind === 'string' ? 4 * STRING_WORDS : 8)), present: take(bits) },
  );
  const [digests, identities, identified] = [take(8 * CHUNK_ROWS), take(8 * CHUNK_ROWS), take(bits)];
  return { columns, digests, identities, identified, bytes };
}

function createChunk(kinds: readonly PlainKind[]): PlainChunk {
  const { columns, digests, identities, identified, bytes } = chunkLayout(kinds);
  const memory = new ArrayBuffer(bytes);
  const of = <T>(wanted: PlainKind[], make: (at: { values: number; present: number }) => T, none: T): T[] =>
    kinds.map((kind, index) => (wanted.includes(kind) ? make(columns[index]!) : none));
  return {
    rows: 0,
    memory: new Uint8Array(memory),
    numbers: of(['number', 'integer'], ({ values }) => new Float64Array(memory, values, CHUNK_ROWS), new Float64Array(0)),
    words: of(['string'], ({ values }) => new Uint32Array(memory, values, STRING_WORDS * CHUNK_ROWS), new Uint32Array(0)),
    present: of(['number', 'integer', 'string'], ({ present }) => new Uint32Array(memory, present, CHUNK_ROWS / 32), new Uint32Array(0)),
    long: kinds.map(() => undefined),
    digests: new BigUint64Array(memory, digests, CHUNK_ROWS),
    identities: new BigUint64Array(memory, identities, CHUNK_ROWS),
    identified: new Uint32Array(memory, identified, CHUNK_ROWS / 32),
  };
}

/**
 * Reads tables as most programs write them, byte by byte: fields without line breaks, numbers of digits, texts of few different values.
 * Values are those that the general reading gives, and so are the digests of the rows; whatever is written in another way ends the
 * reading with {@link NotPlain}, and nothing of it is kept.
 */
export class PlainRows {
  readonly chunk: PlainChunk;
  readonly #layout: PlainLayout;
  readonly #kinds: Uint8Array;
  readonly #texts: readonly (PlainTexts | undefined)[];
  readonly #words: Uint32Array;
  readonly #identities: Uint32Array;
  readonly #rounded = new Float64Array(CHUNK_ROWS);
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #nulls: ReadonlySet<string>;
  readonly #block = new Uint8Array(BLOCK_BYTES + 1);
  #piece = -1;
  #handle: number | undefined;
  /** Bytes of the file that were read, and how many of them lay before the block. */
  #position = 0;
  #base = 0;
  /** Where the piece ends in the file. */
  #stop = Number.POSITIVE_INFINITY;
  #at = 0;
  #end = 0;
  #last = false;
  /** Whether lines end in two characters: all or none. */
  #carriage: boolean | undefined;

  constructor(layout: PlainLayout) {
    this.#layout = layout;
    this.#delimiter = layout.delimiter.charCodeAt(0);
    this.#quote = layout.quote === '' ? -1 : layout.quote.charCodeAt(0);
    this.#nulls = new Set(layout.nullValues);
    this.#kinds = Uint8Array.from(layout.columns, ({ kind }) => CODES[kind]);
    this.#texts = layout.columns.map(({ kind, keys }) => (kind === 'string' ? new PlainTexts(this.#nulls, keys) : undefined));
    this.chunk = createChunk(layout.columns.map(({ kind }) => kind));
    const { memory, digests, identities } = this.chunk;
    this.#words = new Uint32Array(memory.buffer, digests.byteOffset, 2 * CHUNK_ROWS);
    this.#identities = new Uint32Array(memory.buffer, identities.byteOffset, 2 * CHUNK_ROWS);
  }

  /** The next rows into {@link chunk}; its `rows` are 0 at the end. @throws NotPlain */
  next(): void {
    const { chunk } = this;
    const { columns } = this.#layout;
    chunk.rows = 0;
    this.#words.fill(0);
    this.#identities.fill(0);
    chunk.identified.fill(0xffffffff);
    chunk.present.forEach((bits) => bits.fill(0xffffffff));
    chunk.long.fill(undefined);
    while (chunk.rows < CHUNK_ROWS && this.#hasLine()) this.#lines();
    const words = this.#words.subarray(0, 2 * chunk.rows);
    const identities = this.#identities.subarray(0, 2 * chunk.rows);
    const rounded = this.#rounded;
    for (const [index, { kind, keys }] of columns.entries()) {
      if (kind !== 'number' && kind !== 'integer') continue;
      const numbers = chunk.numbers[index]!;
      addColumn(words, halvesOf(numbers, chunk.rows), chunk.present[index]!, keys);
      for (let row = 0; row < chunk.rows; row += 1) {
        const value = numbers[row]!;
        const near = Math.fround(value);
        // What is beyond 32 bits stays as it is.
        rounded[row] = Math.abs(near) === Number.POSITIVE_INFINITY ? value : near;
      }
      addColumn(identities, halvesOf(rounded, chunk.rows), chunk.present[index]!, keys);
    }
  }

  /** Whether lines end in two characters, as far as there were lines. */
  get carriage(): boolean | undefined {
    return this.#carriage;
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }

  /** Whether another line is there, whole. */
  #hasLine(): boolean {
    while (this.#isOver() || this.#at >= this.#end || (!this.#last && this.#end - this.#at < LINE_BYTES_MAX)) {
      if (this.#isOver()) {
        if (!this.#open()) return false;
      } else if (this.#handle !== undefined && !this.#last) this.#fill();
      else if (this.#at < this.#end) return true;
      else if (!this.#open()) return false;
    }
    return true;
  }

  /** Whether the lines that are left begin behind the piece. */
  #isOver(): boolean {
    return this.#handle !== undefined && this.#base + this.#at >= this.#stop;
  }

  #open(): boolean {
    this.close();
    this.#piece += 1;
    const piece = this.#layout.pieces[this.#piece];
    if (piece === undefined) {
      this.#at = this.#end = 0;
      return false;
    }
    const { path, skip, start = 0, end = Number.POSITIVE_INFINITY } = piece;
    this.#handle = openSync(path, 'r');
    this.#stop = end;
    // The line of the byte before belongs to the piece before.
    this.#position = this.#base = start === 0 ? 0 : start - 1;
    this.#at = this.#end = 0;
    this.#last = false;
    this.#fill();
    if (start > 0) this.#pass();
    else {
      if (this.#block[0] === 0xef && this.#block[1] === 0xbb && this.#block[2] === 0xbf) this.#at = 3;
      for (let line = 0; line < skip && this.#hasMore(); line += 1) this.#pass();
    }
    return true;
  }

  /** Goes on behind the next end of a line. */
  #pass(): void {
    if (!this.#hasMore()) return;
    const end = this.#block.indexOf(LINE_FEED, this.#at);
    if (end === -1 || end >= this.#end) throw new NotPlain('a long line before the rows');
    this.#at = end + 1;
  }

  #hasMore(): boolean {
    if (!this.#last && this.#end - this.#at < LINE_BYTES_MAX) this.#fill();
    return this.#at < this.#end;
  }

  #fill(): void {
    const block = this.#block;
    block.copyWithin(0, this.#at, this.#end);
    this.#base += this.#at;
    this.#end -= this.#at;
    this.#at = 0;
    while (this.#end < BLOCK_BYTES) {
      const read = readSync(this.#handle!, block, this.#end, BLOCK_BYTES - this.#end, this.#position);
      this.#position += read;
      this.#end += read;
      if (read > 0) continue;
      this.#last = true;
      // The last line may have no end.
      if (this.#end > 0 && block[this.#end - 1] !== LINE_FEED) block[this.#end++] = LINE_FEED;
      break;
    }
    // Whatever runs over the end of the block stops here.
    block[this.#end] = LINE_FEED;
  }

  /**
   * Lines that are in the block whole, as many as the chunk takes. What is usual is read here, in variables of this function; what is not,
   * elsewhere.
   */
  #lines(): void {
    const block = this.#block;
    const delimiter = this.#delimiter;
    const quote = this.#quote;
    const { chunk } = this;
    const kinds = this.#kinds;
    const last = kinds.length - 1;
    // Lines that begin behind this may not be whole.
    const until = Math.min(this.#last ? this.#end : this.#end - LINE_BYTES_MAX + 1, this.#stop - this.#base);
    let row = chunk.rows;
    let at = this.#at;
    for (; row < CHUNK_ROWS && at < until; row += 1) {
      for (let column = 0; column <= last; column += 1) {
        const kind = kinds[column]!;
        if (kind >= NUMBER) {
          let place = at;
          const negative = block[place] === MINUS;
          if (negative) place += 1;
          const first = place;
          let byte = block[place]!;
          let mantissa = 0;
          while (byte >= ZERO && byte <= NINE) {
            mantissa = mantissa * 10 + (byte - ZERO);
            byte = block[++place]!;
          }
          let digits = place - first;
          if (digits > 1 && block[first] === ZERO) throw new NotPlain('a code');
          let scale = 0;
          if (byte === POINT && kind === NUMBER) {
            const point = place;
            byte = block[++place]!;
            while (byte >= ZERO && byte <= NINE) {
              mantissa = mantissa * 10 + (byte - ZERO);
              byte = block[++place]!;
            }
            scale = place - point - 1;
            digits += scale;
          }
          if (
            digits > 0 &&
            mantissa <= Number.MAX_SAFE_INTEGER &&
            scale < POWERS.length &&
            (byte === delimiter || byte === LINE_FEED || byte === CARRIAGE)
          ) {
            const value = scale === 0 ? mantissa : mantissa / POWERS[scale]!;
            chunk.numbers[column]![row] = negative ? -value : value;
            at = place;
          } else {
            this.#at = at;
            this.#oddNumber(row, column, kind === INTEGER);
            at = this.#at;
          }
        } else if (block[at] === quote) {
          this.#at = at;
          const [from, to] = this.#bounds();
          if (kind === TEXT) this.#put(row, column, this.#texts[column]!.placeOf(block, from, to, hashOf(block, from, to)));
          at = this.#at;
        } else {
          let place = at;
          let hash = SEED;
          for (let byte = block[place]!; byte !== delimiter && byte !== LINE_FEED && byte !== CARRIAGE; byte = block[++place]!) {
            if (byte === quote || byte === 0) throw new NotPlain('a quote within a field');
            hash = Math.imul(hash ^ byte, PRIME);
          }
          if (kind === TEXT) this.#put(row, column, this.#texts[column]!.placeOf(block, at, place, hash));
          at = place;
        }
        if (column === last) break;
        if (block[at] !== delimiter) throw new NotPlain('a line with another number of fields');
        at += 1;
      }
      const carriage = block[at] === CARRIAGE;
      if (carriage) at += 1;
      if (block[at] !== LINE_FEED) throw new NotPlain('a line with another number of fields');
      this.#carriage ??= carriage;
      // The end that this reader adds to the last line of a file has no carriage return.
      if (carriage !== this.#carriage && !(this.#last && at === this.#end - 1)) throw new NotPlain('lines that end in different ways');
      at += 1;
      if (at > this.#end) throw new NotPlain('a long line');
    }
    chunk.rows = row;
    this.#at = at;
  }

  #isEnd(byte: number | undefined): boolean {
    return byte === this.#delimiter || byte === LINE_FEED || byte === CARRIAGE;
  }

  /** What is more than digits with a point: by the rules that requests are read by. */
  #oddNumber(row: number, column: number, whole: boolean): void {
    const text = this.#field();
    // Rare blanks and digits of other scripts mean one thing to one reader and another to the next.
    if (/[^\x20-\x7e\t]/.test(text)) throw new NotPlain('a number with unusual characters');
    if (this.#nulls.has(text) || text.trim() === '' || isMissingWord(text)) {
      this.#missing(row, column);
      return;
    }
    const value = numberOfText(text, undefined);
    if (Number.isNaN(value) || /^-?0\d/.test(text)) throw new NotPlain(`${JSON.stringify(text)} is no number`);
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER && (whole || /^\s*[+-]?\d+\s*$/.test(text))) throw new NotPlain('a code');
    if (whole && Math.trunc(value) !== value) throw new NotPlain('no integer');
    this.chunk.numbers[column]![row] = value;
  }

  #missing(row: number, column: number): void {
    unset(this.chunk.present[column]!, row);
  }

  /** The text of the field at hand, which is passed over. */
  #field(): string {
    const [from, to] = this.#bounds();
    return Buffer.from(this.#block.buffer, from, to - from).toString('utf8');
  }

  /** Where the contents of the field at hand begin and end; it is passed over. */
  #bounds(): readonly [number, number] {
    const block = this.#block;
    const quoted = block[this.#at] === this.#quote;
    const from = quoted ? this.#at + 1 : this.#at;
    let at = from;
    for (let byte = block[at]!; quoted ? byte !== this.#quote : !this.#isEnd(byte); byte = block[++at]!) {
      if (byte === this.#quote || byte === 0 || byte === LINE_FEED || byte === CARRIAGE)
        throw new NotPlain('a quote or line break within a field');
    }
    const to = at;
    if (quoted && !this.#isEnd(block[++at])) throw new NotPlain('a quote within a field');
    this.#at = at;
    return [from, to];
  }

  #put(row: number, column: number, place: number): void {
    if (place === PlainTexts.MISSING) {
      this.#missing(row, column);
      return;
    }
    if (place === PlainTexts.FULL) throw new NotPlain('many different texts');
    const texts = this.#texts[column]!;
    const words = this.chunk.words[column]!;
    const own = texts.words;
    const target = STRING_WORDS * row;
    const source = STRING_WORDS * place;
    words[target] = own[source]!;
    words[target + 1] = own[source + 1]!;
    words[target + 2] = own[source + 2]!;
    words[target + 3] = own[source + 3]!;
    this.#words[2 * row] = this.#words[2 * row]! ^ texts.digests[2 * place]!;
    this.#words[2 * row + 1] = this.#words[2 * row + 1]! ^ texts.digests[2 * place + 1]!;
    this.#identities[2 * row] = this.#identities[2 * row]! ^ texts.identities[2 * place]!;
    this.#identities[2 * row + 1] = this.#identities[2 * row + 1]! ^ texts.identities[2 * place + 1]!;
    if (texts.unsure[place] === true) unset(this.chunk.identified, row);
    if (texts.long.length === 0) return;
    const long = texts.long[place];
    if (long !== undefined) (this.chunk.long[column] ??= new Map()).set(row, long);
  }
}

function unset(bits: Uint32Array, row: number): void {
  bits[row >>> 5] = bits[row >>> 5]! & ~(1 << (row & 31));
}

const halvesOf = (numbers: Float64Array, rows: number): Uint32Array => new Uint32Array(numbers.buffer, numbers.byteOffset, 2 * rows);
