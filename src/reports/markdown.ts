import { html, tableOf } from './html.ts';
import type { Markup } from './html.ts';

/** What steps tell in Markdown, as markup: tables, lists, headings, paragraphs; bold and code within. Anything else stays text. */
export function renderMarkdown(text: string): Markup {
  const blocks: Markup[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length;) {
    const line = lines[at]!;
    const run = (fits: (one: string) => boolean): string[] => {
      const start = at;
      while (at < lines.length && fits(lines[at]!)) at++;
      return lines.slice(start, at);
    };
    if (line.trim() === '') at++;
    else if (isRow(line) && /^\|[\s|:-]+\|$/.test(lines[at + 1]?.trim() ?? '')) {
      const [head, , ...rows] = run(isRow).map(cellsOf);
      blocks.push(
        tableOf(
          head!,
          rows.map((row) => row.map((cell) => ({ text: inline(cell), number: /^[−+-]?[\d.,]+( %)?$/.test(cell) }))),
        ),
      );
    } else if (/^#{1,6} /.test(line)) {
      blocks.push(html`<h3>${inline(line.replace(/^#+ /, ''))}</h3>`);
      at++;
    } else if (/^[-*] /.test(line)) {
      const items = run((one) => /^[-*] /.test(one));
      blocks.push(html`<ul>${items.map((item) => html`<li>${inline(item.slice(2))}</li>`)}</ul>`);
    } else {
      const paragraph = run((one) => one.trim() !== '' && !isRow(one) && !/^([-*]|#{1,6}) /.test(one));
      // A line that looks like a table and is none.
      if (paragraph.length === 0) paragraph.push(lines[at++]!);
      blocks.push(html`<p>${inline(paragraph.join(' '))}</p>`);
    }
  }
  return html`${blocks}`;
}

const isRow = (line: string): boolean => line.trim().startsWith('|') && line.trim().endsWith('|') && line.trim().length > 1;

function cellsOf(line: string): string[] {
  return line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

function inline(text: string): Markup {
  return html`${text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => {
    if (/^\*\*.+\*\*$/.test(part)) return html`<strong>${part.slice(2, -2)}</strong>`;
    return /^`.+`$/.test(part) ? html`<code>${part.slice(1, -1)}</code>` : part;
  })}`;
}
