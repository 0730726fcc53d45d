import { createHash } from 'node:crypto';
import { addColumn } from '../table/row-digest.ts';
import type { RoundKeys } from '../table/row-digest.ts';

/** The database holds a text in 16 bytes: its length, and up to twelve bytes of it. */
export const STRING_WORDS = 4;
const INLINE_BYTES = 12;

/** So many different texts of a column are told from each other here. */
const TEXTS_MAX = 4_096;
const SLOTS = 4 * TEXTS_MAX;
/** Characters whose bytes are all below this are in the normal form already: those that combine with others begin at U+0300. */
const COMBINING = 0xcc;
/** Blanks that are no part of the identity of a row: those of `reading/digest.ts`. */
const AROUND = /^[ \t\u00a0\r\n]+|[ \t\u00a0\r\n]+$/g;
/** Bytes of one text. */
const TEXT_BYTES_MAX = 1_024;

/** Numbers of the hash by Fowler, Noll and Vo. */
export const SEED = 0x811c9dc5 | 0;
export const PRIME = 0x01000193;

export function hashOf(block: Uint8Array, from: number, to: number): number {
  let hash = SEED;
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ block[at]!, PRIME);
  return hash;
}

/** The different texts of a column, each with what is to be done where it occurs. */
export class PlainTexts {
  static readonly MISSING = -1;
  static readonly FULL = -2;
  /** By place: the text as the database holds it. */
  readonly words = new Uint32Array(STRING_WORDS * TEXTS_MAX);
  /** By place: what it adds to the digest of a row, as two halves. */
  readonly digests = new Uint32Array(2 * TEXTS_MAX);
  /** By place: what it adds to the identity of a row. */
  readonly identities = new Uint32Array(2 * TEXTS_MAX);
  /** By place: only the database can tell what it adds to that. */
  readonly unsure: boolean[] = [];
  /** By place: texts that do not fit into the words. */
  readonly long: (string | undefined)[] = [];
  readonly #nulls: ReadonlySet<string>;
  readonly #keys: RoundKeys;
  /** Place + 1 by slot, with 0 where none is. */
  readonly #slots = new Int32Array(SLOTS);
  readonly #hashes = new Int32Array(TEXTS_MAX);
  readonly #bytes: Uint8Array[] = [];
  readonly #missing: boolean[] = [];

  constructor(nulls: ReadonlySet<string>, keys: RoundKeys) {
    this.#nulls = nulls;
    this.#keys = keys;
  }

  /**
   * The place of a text; MISSING where it stands for a missing value, FULL where it is one too many.
   *
   * @param hashed what {@link hashOf} gives
   */
  placeOf(block: Uint8Array, from: number, to: number, hashed: number): number {
    const hash = hashed ^ (hashed >>> 15);
    for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const place = this.#slots[slot]! - 1;
      if (place === -1) return this.#add(block, from, to, hash, slot);
      if (this.#hashes[place] === hash && isSame(this.#bytes[place]!, block, from, to))
        return this.#missing[place] === true ? PlainTexts.MISSING : place;
    }
  }

  #add(block: Uint8Array, from: number, to: number, hash: number, slot: number): number {
    const place = this.#bytes.length;
    if (place === TEXTS_MAX || to - from > TEXT_BYTES_MAX) return PlainTexts.FULL;
    const bytes = block.slice(from, to);
    const text = Buffer.from(bytes).toString('utf8');
    this.#slots[slot] = place + 1;
    this.#hashes[place] = hash;
    this.#bytes.push(bytes);
    const missing = this.#nulls.has(text);
    this.#missing.push(missing);
    this.unsure.push(!missing && bytes.some((byte) => byte >= COMBINING));
    if (missing) return PlainTexts.MISSING;
    const inline = Buffer.alloc(4 * STRING_WORDS);
    inline.writeUInt32LE(bytes.length);
    if (bytes.length <= INLINE_BYTES) inline.set(bytes, 4);
    else {
      inline.fill(0);
      this.long[place] = text;
    }
    for (let word = 0; word < STRING_WORDS; word += 1) this.words[STRING_WORDS * place + word] = inline.readUInt32LE(4 * word);
    const at = [2 * place, 2 * place + 2] as const;
    addColumn(this.digests.subarray(...at), keyOf(bytes), null, this.#keys);
    addColumn(this.identities.subarray(...at), keyOf(Buffer.from(text.replace(AROUND, ''))), null, this.#keys);
    return place;
  }
}

function isSame(one: Uint8Array, block: Uint8Array, from: number, to: number): boolean {
  if (one.length !== to - from) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== block[from + at]) return false;
  return true;
}

/** The key of a text as two halves, the lower first: what the SQL of `reading/digest.ts` gives. */
function keyOf(bytes: Uint8Array): Uint32Array {
  if (bytes.length < 1 || bytes.length > 8) {
    // What the database calls the lower half are the last eight bytes.
    const digest = createHash('md5').update(bytes).digest();
    return Uint32Array.of(digest.readUInt32LE(8), digest.readUInt32LE(12));
  }
  let key = 0n;
  for (const byte of bytes) key = (key << 8n) | BigInt(byte);
  key ^= BigInt(bytes.length);
  return Uint32Array.of(Number(key & 0xffffffffn), Number(key >> 32n));
}
