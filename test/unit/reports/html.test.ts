import { describe, expect, it } from 'vitest';
import { escapeHtml, html, page, raw, retitled, tableOf } from '../../../src/reports/html.ts';

describe('html', () => {
  it('escapes every value that is not markup', () => {
    const evil = '<script>alert("1")</script>&\'`';
    expect(html`<p title="${evil}">${evil}</p>`.markup).not.toMatch(/<script|"1"|'|`/);
    expect(escapeHtml('a<b')).toBe('a&#60;b');
    expect(html`${raw('<b>')}${html`<i>${'<'}</i>`}${[1, null, html`<u>`]}${false}${undefined}`.markup).toBe('<b><i>&#60;</i>1<u>');
  });

  it('makes a page that loads nothing', () => {
    const text = page('<title>', html`<p>x</p>`);
    const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(text)!;
    const directives = policy!.split(';').map((directive) => directive.trim().split(' ')[0]);
    expect(directives).toEqual(['default-src', 'style-src', 'img-src']);
    expect(text).toContain('<title>&#60;title&#62;</title>');
    expect(text).not.toMatch(/src=|href=|url\(|@import/);
  });

  it('aligns columns of numbers, and dashes for nothing', () => {
    const { markup } = tableOf(
      ['name', 'n'],
      [
        ['a', 1],
        [{ text: 'b', tone: 'bad' }, null],
      ],
    );
    expect(markup).toContain('<th class="number">n</th>');
    expect(markup).toContain('<td class="number">1</td>');
    expect(markup).toContain('<td class="bad">b</td>');
    expect(markup).toContain('–');
  });
});

it('a stored page gets another title, and nothing else changes', () => {
  const before = page('Evaluation of a', html`<h1>Evaluation of a</h1><h1>Evaluation of a</h1>`);
  const after = Buffer.from(retitled(Buffer.from(before), '$& <b>', 'run 1')).toString('utf8');
  expect(after).toContain('<title>$&#38; &#60;b&#62; · run 1</title>');
  expect(after.match(/<h1>Evaluation of a<\/h1>/g)).toHaveLength(1);
  expect(after.replaceAll('$&#38; &#60;b&#62;', '').length).toBeLessThan(before.length + 60);
});
