/**
 * Temporal's UI hands the details to a frame within an address, and proxies before it often take no request line above 8 KiB: as
 * many characters, percent-encoded, are filled with what is nice to know.
 */
export const DETAILS_ENCODED_MAX = 7_000;

/** The UI draws table cells without any space between them. An em space is no white space to its parser, so it stays. */
const GAP = '\u2003';

/** Markdown as the UI is to show it: space between the columns of its tables, and quotes as they were written. */
export function roomy(markdown: string): string {
  return markdown
    .split('\n')
    .map((line) => (isRow(line) ? line.replace(/ \| /g, `${GAP} | `) : line))
    .map(verbatim)
    .join('\n');
}

/** What stays as it is: code, and the addresses of links. */
const KEPT = /(`+)(?:(?!\1).)*\1|\]\([^)\s]*\)/;
const TEXT = /"(?:[^"\\]|\\.)*"/.source;
/** Texts in quotes, with what stands around and between them in JSON. */
const QUOTED = new RegExp(
  `(?:[{[] ?)*${TEXT}(?:(?: ?[:,] ?| )?(?:${TEXT}|[{}[\\]]|…|(?<=[:,[] ?)(?:true|false|null|-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)))*`,
  'g',
);

/** The UI turns quotes into typographic ones, which no JSON takes; inside code marks it leaves them. */
function verbatim(line: string): string {
  if (!line.includes('"')) return line;
  const parts: string[] = [];
  for (let rest = line; rest !== '';) {
    const kept = KEPT.exec(rest);
    const until = kept?.index ?? rest.length;
    parts.push(
      rest.slice(0, until).replace(QUOTED, (text) => (text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``)),
      kept?.[0] ?? '',
    );
    rest = rest.slice(until + (kept?.[0].length ?? 0));
  }
  return parts.join('');
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
