const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

/** What came as a longer text is written anew: nobody asks such rows by the thousand a second. */
export const ROW_CHARS_MAX = 16 * 1024;

/**
 * The text of a row as it may stand in a line of JSON: writing twenty numbers anew is a good part of what a small request costs.
 *
 * @param text of JSON that `row` was read from
 * @returns undefined where the row holds anything but finite numbers, names a column twice, or would break the line
 */
export function rowText(text: string | undefined, row: unknown): string | undefined {
  if (text === undefined || text.length > ROW_CHARS_MAX || typeof row !== 'object' || row === null || Array.isArray(row)) return undefined;
  const values = row as Readonly<Record<string, unknown>>;
  let keys = 0;
  for (const name in values) {
    const value = values[name];
    if (typeof value !== 'number' || value - value !== 0) return undefined;
    keys += 1;
  }
  let quotes = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) quotes += 1;
    // A name with an escape has quotes that are none, and one that stands twice may be written in two ways.
    else if (code === BACKSLASH || code < SPACE) return undefined;
  }
  return quotes === 2 * keys ? text : undefined;
}
