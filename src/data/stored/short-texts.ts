/** The database holds a text in 16 bytes: its length, and up to twelve bytes of it, filled up with zeros. */
const WORDS = 4;
/** Bytes of a text that lies in those wholly. */
export const SHORT_BYTES = 12;
/** So many different texts make a list. */
export const CODED_TEXTS_MAX = 1_000;
const SLOTS = 4_096;

/** The different texts of a column, in the order of their first rows. */
export class ShortTexts {
  readonly texts: string[] = [];
  readonly #words = new Uint32Array(WORDS * CODED_TEXTS_MAX);
  /** Place + 1 by slot, with 0 where none is. */
  readonly #slots = new Int32Array(SLOTS);

  /**
   * Writes the place of the text of each row into `codes` from `at` on, -1 where one is missing.
   *
   * @param bytes as the database holds them, all of them short
   * @param present a bit for each row, 1 where there is a text; null: every row has one
   * @returns the rows that were written: fewer than all where more texts differ than make a list
   */
  code(bytes: Uint8Array, present: Uint8Array | null, rows: number, codes: Int32Array, at: number): number {
    const given = new Uint32Array(bytes.buffer, bytes.byteOffset, WORDS * rows);
    const [known, slots] = [this.#words, this.#slots];
    for (let row = 0; row < rows; row += 1) {
      if (present !== null && ((present[row >> 3]! >> (row & 7)) & 1) === 0) {
        codes[at + row] = -1;
        continue;
      }
      const from = WORDS * row;
      const [length, first, second, third] = [given[from]!, given[from + 1]!, given[from + 2]!, given[from + 3]!];
      const mixed = Math.imul(Math.imul(Math.imul(length ^ first, 0x9e3779b1) ^ second, 0x85ebca6b) ^ third, 0xc2b2ae35);
      for (let slot = (mixed ^ (mixed >>> 15)) & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
        const place = slots[slot]! - 1;
        if (place === -1) {
          if (this.texts.length === CODED_TEXTS_MAX) return row;
          known.set(given.subarray(from, from + WORDS), WORDS * this.texts.length);
          slots[slot] = this.texts.push(shortText(bytes, row));
          codes[at + row] = this.texts.length - 1;
          break;
        }
        const to = WORDS * place;
        if (known[to] === length && known[to + 1] === first && known[to + 2] === second && known[to + 3] === third) {
          codes[at + row] = place;
          break;
        }
      }
    }
    return rows;
  }
}

/** The text of a row. @param bytes as the database holds short texts */
export function shortText(bytes: Uint8Array, row: number): string {
  const from = bytes.byteOffset + 4 * WORDS * row;
  const length = bytes[4 * WORDS * row]!;
  return Buffer.from(bytes.buffer, from + 4, length).toString('utf8');
}
