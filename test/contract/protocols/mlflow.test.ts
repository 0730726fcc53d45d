import { describe, expect, it } from 'vitest';
import { ask } from '../../unit/serving/test-app.ts';
import { servePenguins } from './serve-penguins.ts';

const server = servePenguins();
const GENTOO = { label: 'Gentoo', probabilities: { Adelie: 0, Chinstrap: 0, Gentoo: 1 } };
const invoke = (body: unknown, path = '/invocations') => ask(server.url, path, body);

describe("MLflow's scoring protocol", () => {
  it.each([
    [
      'dataframe_split',
      {
        dataframe_split: {
          columns: ['body_mass_g', 'island'],
          index: [4, 5],
          data: [
            [1, 'Biscoe'],
            [2, null],
          ],
        },
      },
      2,
    ],
    ['dataframe_records', { dataframe_records: [{ body_mass_g: 1, island: 'Biscoe' }] }, 1],
    ['instances', { instances: [{ body_mass_g: 1 }, { body_mass_g: 2 }] }, 2],
    ['inputs', { inputs: { body_mass_g: [1, 2, 3] } }, 3],
    ['empty parameters', { dataframe_records: [{ body_mass_g: 1 }], params: {} }, 1],
  ])('takes %s', async (_title, body, count) => {
    const answer = await invoke(body);
    expect([answer.status, answer.body]).toEqual([200, { predictions: Array.from({ length: count }, () => GENTOO) }]);
    expect(answer.headers.get('x-perennial-version')).toBe('3');
  });

  it('takes CSV as the source was read', async () => {
    const response = await fetch(`${server.url}/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'text/csv; charset=utf-8' },
      body: 'body_mass_g,island\n1,Biscoe\n2,\n',
    });
    expect([response.status, await response.json()]).toEqual([200, { predictions: [GENTOO, GENTOO] }]);
    const bad = await fetch(`${server.url}/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body: 'body_mass_g,island\nheavy,Biscoe\n',
    });
    expect([bad.status, ((await bad.json()) as { error: string }).error]).toEqual([400, expect.stringContaining('body_mass_g')]);
  });

  it('takes NaN, which the client of MLflow writes for what is missing', async () => {
    const body = '{"dataframe_split": {"columns": ["body_mass_g", "island"], "data": [[1, NaN]]}}';
    const response = await fetch(`${server.url}/invocations`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect([response.status, await response.json()]).toEqual([200, { predictions: [GENTOO] }]);
  });

  it('takes a model by its name, and an alias', async () => {
    expect(
      (await invoke({ dataframe_records: [{ body_mass_g: 1 }] }, '/models/penguins@challenger/invocations')).headers.get(
        'x-perennial-version',
      ),
    ).toBe('2');
  });

  it('tells its health and version', async () => {
    expect((await fetch(`${server.url}/ping`)).status).toBe(200);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect(await (await fetch(`${server.url}/version`)).text()).toBe('9.9.9');
  });

  it.each([
    ['two forms', { inputs: [1], instances: [1] }, /Give one of .*; given: instances, inputs/],
    ['no form', {}, /given: none/],
    ['parameters', { dataframe_records: [{ body_mass_g: 1 }], params: { top_k: 3 } }, /takes no "params", given top_k/],
    ['columns twice', { dataframe_split: { columns: ['a', 'a'], data: [[1, 2]] } }, /names "a" twice/],
    [
      'a short row',
      { dataframe_split: { columns: ['body_mass_g', 'island'], data: [[1, 'x'], [1]] } },
      /row 1: expected an array of 2 values, given 1/,
    ],
    ['records that are none', { dataframe_records: { a: 1 } }, /must be an array of objects, given an object/],
  ])('says what is wrong: %s', async (_title, body, message) => {
    const { status, body: answer } = await invoke(body);
    expect([status, answer.error]).toEqual([400, expect.stringMatching(message)]);
  });
});

describe('partial answers', () => {
  const predict = (body: unknown) => ask(server.url, '/models/penguins/predict', body);

  it('answer the good rows and list the bad with place and reason', async () => {
    const rows = [{ body_mass_g: 1 }, { body_mass_g: 'heavy' }, 5, { body_mass_g: 2 }, { body_mas_g: 3 }, { body_mass_g: 4 }];
    const { status, body } = await predict({ rows, partial: true });
    expect(status).toBe(200);
    expect(body.predictions).toEqual([0, 3, 5].map((row) => ({ row, ...GENTOO })));
    expect(body.refused).toEqual([
      { row: 1, error: 'Row 1, column "body_mass_g": "heavy" is not a number.' },
      { row: 2, error: 'Row 2 is a number; expected an object of column names and values.' },
      { row: 4, error: expect.stringContaining('Row 4 has none of the columns') },
    ]);
  });

  it('answer none where all are bad, and set aside none where all are good', async () => {
    expect((await predict({ rows: Array.from({ length: 300 }, () => ({ body_mass_g: 'x' })), partial: true })).body).toMatchObject({
      predictions: [],
      refused: expect.arrayContaining([{ row: 299, error: expect.stringContaining('Row 299,') }]),
    });
    expect((await predict({ rows: [{ body_mass_g: 1 }], partial: true })).body).toMatchObject({ predictions: [{ row: 0 }], refused: [] });
  });

  it('are refused for what is wrong with the whole', async () => {
    expect((await predict({ rows: [], partial: true })).status).toBe(400);
    expect((await predict({ rows: [{ body_mass_g: 1 }], partial: 'yes' })).body.error).toContain('"partial" is "yes"');
    expect((await predict({ rows: [{ body_mass_g: 'x' }], partial: false })).status).toBe(400);
  });
});
