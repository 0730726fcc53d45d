import { describe, expect, it } from 'vitest';
import { ask } from '../../unit/serving/test-app.ts';
import { servePenguins } from './serve-penguins.ts';

const server = servePenguins();
const GENTOO = { label: 'Gentoo', probabilities: { Adelie: 0, Chinstrap: 0, Gentoo: 1 } };

const send = (body: string | Uint8Array, path = '/models/penguins/predict', headers: Record<string, string> = {}) =>
  ask(server.url, path, undefined, { method: 'POST', body, headers: { 'content-type': 'text/csv', ...headers } });

describe('rows as CSV', () => {
  it.each([
    ['a header and rows', 'body_mass_g,island\n1,Biscoe\n2,\n', 2],
    ['one column', 'body_mass_g\n1\n2\n3\n', 3],
    [
      'a title, blank lines, ";" and the ends of lines of Windows',
      '\uFEFF# penguins\r\n\r\nbody_mass_g;island\r\n1;Biscoe\r\n\r\n2;x\r\n',
      2,
    ],
    ['columns that the model does not read', 'note,body_mass_g,island,year\n"a, ""b""\nc",1,Biscoe,2007\n', 1],
  ])('are answered as those of JSON: %s', async (_title, body, count) => {
    const { status, headers, body: answer } = await send(body, undefined, { 'content-type': 'Text/CSV; charset=utf-8' });
    expect([status, answer]).toEqual([
      200,
      { model: 'penguins', version: 3, predictions: Array.from({ length: count }, () => GENTOO), id: headers.get('x-request-id') },
    ]);
  });

  it('goes to versions and aliases', async () => {
    expect((await send('body_mass_g\n1\n', '/models/penguins/versions/2/predict')).body).toMatchObject({ version: 2 });
    expect((await send('body_mass_g\n1\n', '/models/penguins@challenger/predict')).body).toMatchObject({ version: 2 });
    expect((await send('body_mass_g\n1\n', '/models/none/predict')).status).toBe(404);
  });

  it.each([
    [
      'a value that is none',
      'body_mass_g,island\n1,x\nheavy,x\n',
      'Row 1, column "body_mass_g": "heavy" is not a number (line 3 of the CSV).',
    ],
    [
      'a value behind fields with line breaks and blank lines',
      'note;body_mass_g;island\r\n"a\r\nb";1;x\r\n\r\nc;heavy;x\r\n',
      'Row 1, column "body_mass_g": "heavy" is not a number (line 5 of the CSV).',
    ],
    ['a misspelt column', 'body_mas_g,island\n1,x\n', 'did you mean "body_mass_g"? (line 2 of the CSV).'],
    ['other columns', 'a,b\n1,2\n', 'has none of the columns that the model reads: body_mass_g, island (line 2 of the CSV).'],
    ['a missing column', 'island,x\nBiscoe,1\n', 'Row 0 lacks the column "body_mass_g", which the model needs (line 2 of the CSV).'],
    ['too few fields', 'body_mass_g,island\n1,x\n2\n', 'a line is malformed: columns are missing: line 3, 2.'],
    ['an open quote', 'body_mass_g,island\n1,x\n"2,x\n', 'The CSV, line 3: a quote is opened and not closed'],
    ['a header alone', 'body_mass_g,island\n', 'The CSV holds no rows.'],
    ['columns twice', 'body_mass_g,body_mass_g\n1,2\n', '"body_mass_g"'],
    ['nothing', '', 'The body is empty: send rows below a header.'],
    ['bytes that are not UTF-8', Buffer.from([0x61, 0x2c, 0x62, 0x0a, 0xe9, 0x2c, 0xe9, 0x0a]), 'not UTF-8'],
  ])('are refused with line and column: %s', async (_title, body, message) => {
    const answer = await send(body);
    expect([answer.status, Object.keys(answer.body)]).toEqual([400, ['error']]);
    expect(answer.body.error).toContain(message);
    expect(answer.body.error).not.toMatch(/\/tmp|perennial-csv|rows\.csv/);
  });

  it('are bounded, however small they are', async () => {
    const many = await send(`body_mass_g\n${'1\n'.repeat(10_001)}`);
    expect([many.status, many.body.error]).toEqual([
      413,
      'More than 10000 rows in one request; at most 10000 are allowed. Send several requests.',
    ]);
    expect((await send(`body_mass_g\n${'1\n'.repeat(10_000)}`)).body.predictions).toHaveLength(10_000);
    expect((await send(`body_mass_g\n${'1\n'.repeat(17 * 1024 * 1024)}`)).status).toBe(413);
    // Beyond that nothing is read: these would be some gigabytes as rows.
    expect((await send(`body_mass_g\n${'1\n'.repeat(16 * 1024 * 1024 - 100)}`)).status).toBe(413);
    const wide = await send(`${Array.from({ length: 200_000 }, (_, at) => `c${at}`).join(',')}\n${','.repeat(199_999)}\n`);
    expect([wide.status, wide.body.error]).toEqual([413, expect.stringContaining('more than 10000 columns')]);
  });

  it('that cannot be answered are set aside with row and line where the address asks for it, malformed ones, too', async () => {
    const body = 'body_mass_g,island\n1,x\nheavy,x\n\n3\n4,"a\nb"\nlight,x\n6,x\n';
    const { status, body: answer } = await send(body, '/models/penguins/predict?partial=true');
    expect([status, answer.error]).toEqual([200, undefined]);
    expect(answer.predictions).toEqual([0, 3, 5].map((row) => ({ ...GENTOO, row })));
    expect(answer.refused).toEqual([
      { row: 1, line: 3, error: 'Row 1, column "body_mass_g": "heavy" is not a number.' },
      { row: 2, line: 5, error: expect.stringMatching(/^Row 2: malformed line, columns are missing: line 5, 3\.$/) },
      { row: 4, line: 8, error: 'Row 4, column "body_mass_g": "light" is not a number.' },
    ]);
    expect((await send(body, '/models/penguins/predict?partial=false')).status).toBe(400);
    const odd = await send(body, '/models/penguins/predict?partial=perhaps');
    expect([odd.status, odd.body.error]).toEqual([400, '"partial" of the address is "perhaps"; expected true or false.']);
  });

  it('leave the wish of the address to rows as JSON, too', async () => {
    const post = (rows: unknown, wish: string) => ask(server.url, `/models/penguins/predict?partial=${wish}`, rows);
    expect((await post([{ body_mass_g: 'x' }, { body_mass_g: 1 }], 'true')).body.refused).toHaveLength(1);
    expect((await post({ rows: [{ body_mass_g: 'x' }] }, 'true')).body.refused).toHaveLength(1);
    expect((await post({ rows: [{ body_mass_g: 1 }], partial: false }, 'true')).body.error).toContain('give it once');
  });

  it('are taken by no address of tensors; it says what it takes', async () => {
    const answer = await send('a,b\n1,2\n', '/v2/models/penguins/infer');
    expect([answer.status, answer.headers.get('accept')]).toEqual([415, 'application/json']);
    const xml = await send('<row/>', '/models/penguins/predict', { 'content-type': 'text/xml' });
    expect([xml.status, xml.headers.get('accept')]).toEqual([415, 'application/json, text/csv, multipart/form-data']);
  });
});
