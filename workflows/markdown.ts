/** Temporal's UI draws table cells without any space between them; what is no white space to a parser's trim stays. */
const GAP = '\u00a0\u00a0\u00a0\u200b';

/** Markdown with space between the columns of its tables. */
export function roomy(markdown: string): string {
  return markdown.split('\n').map((line) => (isRow(line) ? line.replace(/ \| /g, `${GAP} | `) : line)).join('\n');
}

function isRow(line: string): boolean {
  return line.startsWith('| ') && !/^[|\s:-]+$/.test(line);
}
