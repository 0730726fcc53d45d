/** Markup that is safe to put into a page as it is. Only {@link html} and {@link raw} make it. */
export interface Markup {
  readonly markup: string;
}

type Part = Markup | string | number | null | undefined | false | readonly Part[];

/** A template whose values are escaped, unless they are markup themselves. Lists are joined, null and false left out. */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Markup {
  let markup = strings[0]!;
  values.forEach((value, index) => (markup += render(value) + strings[index + 1]!));
  return { markup };
}

/** Trusted text: our own style sheet and charts. */
export function raw(markup: string): Markup {
  return { markup };
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function render(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (Array.isArray(part)) return (part as readonly Part[]).map(render).join('');
  if (typeof part === 'object') return (part as Markup).markup;
  return escapeHtml(String(part));
}

export interface Cell {
  readonly text: Part;
  readonly number?: boolean;
  readonly tone?: 'good' | 'bad' | 'quiet';
}

/** A table; cells that hold numbers are aligned to the right. */
export function tableOf(head: readonly string[], rows: readonly (readonly (Cell | string | number | null)[])[]): Markup {
  const cells = rows.map((row) =>
    row.map((cell): Cell => (typeof cell === 'object' && cell !== null ? cell : { text: cell ?? '–', number: typeof cell === 'number' })),
  );
  const numeric = head.map(
    (_, column) => cells.length > 0 && cells.every((row) => row[column]?.number === true || row[column]?.text === '–'),
  );
  return html`<div class="scroll"><table>
<thead><tr>${head.map((name, column) => html`<th${numeric[column] ? raw(' class="number"') : ''}>${name}</th>`)}</tr></thead>
<tbody>${cells.map(
    (row) => html`<tr>${row.map((cell, column) => html`<td${classOf(cell, numeric[column]!)}>${cell.text}</td>`)}</tr>
`,
  )}</tbody></table></div>`;
}

function classOf({ text, tone }: Cell, numeric: boolean): Markup | null {
  const names = [numeric ? 'number' : undefined, tone, typeof text === 'string' && text.length > 40 ? 'long' : undefined].filter(
    (name) => name !== undefined,
  );
  return names.length === 0 ? null : raw(` class="${names.join(' ')}"`);
}

export function section(title: string, note: string, ...body: readonly Part[]): Markup {
  return html`<section><h2>${title}</h2>${note === '' ? null : html`<p class="note">${note}</p>`}${body}</section>
`;
}

/** What a report may load: nothing but the pictures that it holds. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
/** In a file, which nobody sends with headers. */
const POLICY_TAG = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">\n`;
/** Characters of a page that its head is in. */
const HEAD_MAX = 4_096;

/** A page for HTTP: the header says the policy, and more than a tag may, so the page itself says none. */
export function pageForHttp(file: Uint8Array): { readonly body: Buffer; readonly policy: string } {
  const body = Buffer.from(file);
  const at = body.subarray(0, HEAD_MAX).indexOf(POLICY_TAG);
  return {
    policy: `${POLICY}; sandbox`,
    body: at === -1 ? body : Buffer.concat([body.subarray(0, at), body.subarray(at + POLICY_TAG.length)]),
  };
}

/** A stored page under another title: what it is about came to have a name after it was written. */
export function retitled(file: Uint8Array, title: string, facts: string): Uint8Array {
  const text = Buffer.from(file).toString('utf8');
  return Buffer.from(
    text
      .replace(/<title>[^<]*<\/title>/, () => html`<title>${[title, facts].join(' · ')}</title>`.markup)
      .replace(/<h1>[^<]*<\/h1>/, () => html`<h1>${title}</h1>\n<p class="facts">${facts}</p>`.markup),
  );
}

/** One self-contained page: no scripts, and nothing is loaded from anywhere. */
export function page(title: string, ...body: readonly Part[]): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${raw(POLICY_TAG)}<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body><main>
${body}</main></body>
</html>
`.markup;
}

const STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2330;--quiet:#5d6878;--line:#dde2ea;--panel:#f6f8fb;--good:#12794a;--bad:#b3261e;--good-back:#e4f5ec;--bad-back:#fcebe9}
@media (prefers-color-scheme:dark){:root{--paper:#12161d;--ink:#e3e8f0;--quiet:#98a4b5;--line:#2c3542;--panel:#1a2029;--good:#57c794;--bad:#f28b82;--good-back:#12301f;--bad-back:#3a1a18}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1040px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px}
h2{font-size:18px;margin:40px 0 4px;padding-top:16px;border-top:1px solid var(--line)}
h3{font-size:15px;margin:20px 0 4px}
p{margin:6px 0}
.note,.facts{color:var(--quiet)}
.note{max-width:75ch;margin-bottom:12px}
.verdict{margin:20px 0;padding:14px 18px;border-radius:8px;background:var(--panel);border-left:5px solid var(--quiet)}
.verdict.good{background:var(--good-back);border-color:var(--good)}
.verdict.bad{background:var(--bad-back);border-color:var(--bad)}
.verdict strong{font-size:17px}
.verdict ul{margin:8px 0 0;padding-left:4px;list-style:none}
.verdict li{padding-left:24px;text-indent:-20px}
.good{color:var(--good)}.bad{color:var(--bad)}.quiet{color:var(--quiet)}
.verdict,.verdict li{color:var(--ink)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:8px 0}
th,td{padding:5px 14px 5px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{color:var(--quiet);font-weight:600;font-size:13px;white-space:nowrap}
td.number,th.number{text-align:right;white-space:nowrap}
td{max-width:46ch}
td.long{overflow-wrap:anywhere;min-width:24ch}
.charts{display:flex;flex-wrap:wrap;gap:12px 20px;align-items:flex-start}
figure{margin:8px 0;max-width:100%;overflow-x:auto}
.pictures{display:flex;flex-wrap:wrap;gap:4px 16px}.pictures figure{margin:4px 0}.pictures img{width:56px;height:56px;object-fit:contain;image-rendering:pixelated;margin-right:2px;background:var(--panel)}
figure h3{margin:4px 0 6px}
figcaption{color:var(--quiet);font-size:13px;width:0;min-width:100%}
svg{max-width:100%;height:auto;color:var(--ink)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 18px;margin:8px 0}
dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
img.small{max-width:96px;max-height:96px;image-rendering:pixelated;min-width:32px;background:var(--panel)}
img.grid{image-rendering:pixelated;background:#000;max-width:100%}
pre{font:12px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--panel);padding:12px 14px;border-radius:8px;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
details>summary{cursor:pointer;color:var(--quiet);margin:8px 0}
@media (max-width:640px){main{padding:20px 14px 48px}h1{font-size:21px}dl{grid-template-columns:1fr}dd{margin-bottom:6px}.charts{gap:8px}th,td{padding-right:10px}}
@media print{:root{--paper:#fff;--ink:#000;--quiet:#444;--line:#bbb;--panel:#f4f4f4;--good:#0b5d36;--bad:#8c1d18;--good-back:#eef7f1;--bad-back:#fbeceb;color-scheme:light}main{max-width:none;padding:0}.scroll{overflow:visible}figure,tr,.verdict{break-inside:avoid}h2,h3{break-after:avoid}details>summary{display:none}details>*{display:block!important}a{color:inherit}}
code{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
`;
