import { describe, expect, it } from 'vitest';
import { ask } from '../../unit/serving/test-app.ts';
import { servePenguins } from './serve-penguins.ts';

const server = servePenguins();

const predict = (body: unknown, path = '/models/penguins/predict') => ask(server.url, path, body);
const GENTOO = { label: 'Gentoo', probabilities: { Adelie: 0, Chinstrap: 0, Gentoo: 1 } };

describe('the plain form', () => {
  it.each([
    ['rows', { rows: [{ body_mass_g: 1, island: 'Biscoe' }, { body_mass_g: 2 }] }, 2],
    ['a bare array', [{ body_mass_g: 1 }], 1],
    ['one row', { body_mass_g: 1, island: null }, 1],
    ['a row as it is in the source', { body_mass_g: 1, island: 'Biscoe', species: 'Adelie', year: 2007, note: 'x' }, 1],
  ])('takes %s', async (_title, body, count) => {
    const { status, headers, body: answer } = await predict(body);
    expect(status).toBe(200);
    expect(answer).toEqual({
      model: 'penguins',
      version: 3,
      predictions: Array.from({ length: count }, () => GENTOO),
      id: headers.get('x-request-id'),
    });
    expect(headers.get('x-perennial-version')).toBe('3');
  });

  it('takes a version and an alias, but not both', async () => {
    expect((await predict({ body_mass_g: 1 }, '/models/penguins/versions/1/predict')).body).toMatchObject({ version: 1 });
    expect((await predict({ body_mass_g: 1 }, '/models/penguins@challenger/predict')).body).toMatchObject({ version: 2 });
    expect((await predict({ body_mass_g: 1 }, '/models/penguins@challenger/versions/1/predict')).status).toBe(400);
    expect((await predict({ body_mass_g: 1 }, '/models/penguins@nobody/predict')).status).toBe(404);
  });

  it('keeps a harmless request id of the client, and replaces another', async () => {
    const own = await ask(server.url, '/models/penguins/predict', undefined, {
      method: 'POST',
      body: '{"body_mass_g":1}',
      headers: { 'x-request-id': 'order-17' },
    });
    expect([own.headers.get('x-request-id'), own.body.id]).toEqual(['order-17', 'order-17']);
    const odd = await ask(server.url, '/models/penguins/predict', undefined, {
      method: 'POST',
      body: '{"body_mass_g":1}',
      headers: { 'x-request-id': 'a b"<' },
    });
    expect(odd.body.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['text that is no JSON', '{"rows": [', 'The body is not JSON: '],
    ['nothing', '', 'The body'],
    ['a number', '17', 'The body must be a JSON object.'],
    ['an empty list', [], 'There are no rows: give at least one.'],
    ['rows that are no array', { rows: 'x' }, '"rows" is a string; expected an array of objects.'],
    [
      'an unknown key beside rows',
      { rows: [{ body_mass_g: 1 }], instances: [] },
      'The body has the unknown key "instances"; it takes "rows", "partial".',
    ],
    ['a row that is no object', [1], 'Row 0 is a number; expected an object of column names and values.'],
    ['a row of other columns', [{ weight: 1 }], 'Row 0 has none of the columns that the model reads: body_mass_g, island.'],
    [
      'a misspelt column',
      [{ body_mas_g: 1, island: 'Biscoe' }],
      'Row 0 has no column "body_mass_g", but "body_mas_g": did you mean "body_mass_g"?',
    ],
    ['a misspelt optional column', [{ body_mass_g: 1, Island: 'Biscoe' }], 'did you mean "island"?'],
    ['a missing column', [{ body_mass_g: 1 }, { island: 'Biscoe' }], 'Row 1 lacks the column "body_mass_g", which the model needs.'],
    ['a wrong type', [{ body_mass_g: 'heavy' }], 'Row 0, column "body_mass_g": "heavy" is not a number.'],
    ['a prototype', '{"__proto__": {"body_mass_g": 1}}', 'has none of the columns'],
  ])('refuses %s', async (_title, body, message) => {
    const answer = await predict(body);
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body)).toEqual(['error']);
    expect(answer.body.error).toContain(message);
  });

  it('refuses bytes that are not UTF-8', async () => {
    const answer = await ask(server.url, '/models/penguins/predict', undefined, {
      method: 'POST',
      body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      headers: { 'content-type': 'application/json' },
    });
    expect([answer.status, answer.body.error]).toEqual([400, 'The body is not UTF-8.']);
  });

  it('refuses too many rows and too large a body', async () => {
    const many = await predict(Array.from({ length: 10_001 }, () => ({ body_mass_g: 1 })));
    expect([many.status, many.body.error]).toEqual([413, '10001 rows in one request; at most 10000 are allowed. Send several requests.']);
    const large = await predict(`[${' '.repeat(33 * 1024 * 1024)}]`);
    expect([large.status, large.body.error]).toEqual([413, 'The body is larger than 32 MiB. Send several requests.']);
  });
});
