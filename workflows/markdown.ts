/**
 * Temporal's UI hands the details to a frame within an address, and proxies before it often take no request line above 8 KiB: as
 * many characters, percent-encoded, are filled with what is nice to know.
 */
export const DETAILS_ENCODED_MAX = 7_000;

/** The UI draws table cells without any space between them. An em space is no white space to its parser, so it stays. */
const GAP = '\u2003';

/** Markdown with space between the columns of its tables. */
export function roomy(markdown: string): string {
  return markdown.split('\n').map((line) => (isRow(line) ? line.replace(/ \| /g, `${GAP} | `) : line)).join('\n');
}

/** All that is needed, then of the rest, in order, what fits. */
export function compose(needed: readonly string[], rest: readonly string[]): string {
  const parts = needed.map(roomy);
  let left = DETAILS_ENCODED_MAX - encodedLength(parts.join('\n\n'));
  for (const part of rest.map(roomy)) {
    const length = encodedLength(`\n\n${part}`);
    if (length > left) continue;
    parts.push(part);
    left -= length;
  }
  return parts.join('\n\n');
}

/** Of half a surrogate pair, which a cut may have left, nothing can be encoded. */
function encodedLength(text: string): number {
  return encodeURIComponent(text.replace(/[\ud800-\udfff]/g, '?')).length;
}

function isRow(line: string): boolean {
  return line.startsWith('| ') && !/^[|\s:-]+$/.test(line);
}
