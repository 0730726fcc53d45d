import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PerennialError } from '../../../src/core/errors.ts';
import type { Row, Tensor } from '../../../src/core/tensor.ts';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import { ServerClient } from '../../../src/client/server-client.ts';
import { predictAll } from '../../../src/client/predict-all.ts';
import type { PredictAllOptions } from '../../../src/client/predict-all.ts';
import { FakeSource } from './doubles.ts';
import type { TestApp } from './test-app.ts';
import { startTestApp } from './test-app.ts';

let server: TestApp;
let client: ServerClient;

const column = { name: 'y', type: 'number', required: true, spec: { name: 'features', shape: [1], dtype: 'float32' }, transforms: [] };
const output = { kind: 'number', name: 'y', width: 1 } as const;
/** The sum of a window: it tells which rows were in it. */
const sums = async ({ features }: Record<string, Tensor>): Promise<Float32Array> => {
  const size = features!.data.length / features!.rows;
  return Float32Array.from({ length: features!.rows }, (_, at) =>
    Array.from(features!.data.subarray(at * size, (at + 1) * size)).reduce((sum, value) => sum + value, 0),
  );
};

beforeAll(async () => {
  const source = new FakeSource();
  server = await startTestApp(source);
  client = new ServerClient(server.url, '');
  const models = {
    rows: {},
    windows: { sequence: { size: 3, horizon: 1, by: 'day', byType: 'integer' } },
    shops: { sequence: { size: 3, horizon: 1, by: 'day', byType: 'integer', key: [{ name: 'shop', type: 'string' }], gap: 1 } },
  };
  for (const [model, more] of Object.entries(models)) {
    source.options = {
      preprocessor: loadPreprocessor({ formatVersion: 1, seed: 1, columns: [column], output, ...more }),
      output,
      predict: sums,
    };
    source.route(model, { champion: 1 });
    await server.router.state(model);
  }
});
afterAll(() => server.close());

async function all(model: string, rows: readonly (Row | PerennialError)[], options: Partial<PredictAllOptions> = {}) {
  return predictAll(client, model, rows, { description: await client.describe(model), logged: false, retryMs: 20, ...options });
}
const values = (answers: Awaited<ReturnType<typeof all>>): [number, unknown][] =>
  answers.predictions.map((one) => [one.row, 'value' in one ? one.value : undefined]);

describe('rows of any number', () => {
  it('are cut by rows and by bytes', async () => {
    const rows = Array.from({ length: 57 }, (_, y) => ({ y, note: 'x'.repeat(400) }));
    for (const options of [{}, { rowsPerRequest: 10 }, { bytesPerRequest: 1_000 }, { bytesPerRequest: 10 }])
      expect(values(await all('rows', rows, options))).toEqual(rows.map(({ y }) => [y, y]));
  });

  it('lose only those that cannot be answered, each with its place and the words of the server', async () => {
    const rows: (Row | PerennialError)[] = Array.from({ length: 200 }, (_, y) => ({ y }));
    for (const bad of [3, 4, 77, 199]) rows[bad] = { y: 'many' };
    rows[50] = new PerennialError('SOURCE_INVALID', 'rows.ndjson:51 is not JSON');
    rows[60] = { y: 1e300 };
    const answers = await all('rows', rows, { rowsPerRequest: 30 });
    expect(answers.refused.map(({ row }) => row)).toEqual([3, 4, 50, 60, 77, 199]);
    expect(answers.refused.map(({ error }) => error).slice(1, 4)).toEqual([
      expect.stringContaining('column "y": expected a number, got string "many"'),
      'rows.ndjson:51 is not JSON',
      expect.stringContaining('column "y": the value is Infinity'),
    ]);
    expect(values(answers)).toEqual(
      rows.flatMap((row, index) => (answers.refused.some((one) => one.row === index) ? [] : [[index, (row as { y: number }).y]])),
    );
  });

  it('of a file that does not fit the model at all are refused soon, by the first of them', async () => {
    const rows = Array.from({ length: 5_000 }, () => ({ z: 1 }));
    await expect(all('rows', rows)).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining(
        'None of the first 100 rows can be answered. Row 0: has none of the columns that the model reads: y.',
      ),
    });
    await expect(all('rows', [{ z: 1 }])).rejects.toMatchObject({ message: expect.stringContaining('The row cannot be answered.') });
  });

  it('keep their windows whole: across requests, and never over a row that is bad', async () => {
    const rows: (Row | PerennialError)[] = Array.from({ length: 40 }, (_, y) => ({ day: y, y }));
    const whole = values(await all('windows', rows));
    expect(whole).toEqual(Array.from({ length: 38 }, (_, at) => [at + 2, 3 * at + 3]));
    for (const options of [{ rowsPerRequest: 7 }, { rowsPerRequest: 3 }, { bytesPerRequest: 60 }])
      expect(values(await all('windows', rows, options))).toEqual(whole);
    rows[20] = { day: 20, y: 'none' };
    rows[33] = new PerennialError('SOURCE_INVALID', 'no row');
    for (const rowsPerRequest of [7, 1_000]) {
      const answers = await all('windows', rows, { rowsPerRequest });
      expect(answers.refused.map(({ row }) => row)).toEqual([20, 33]);
      expect(values(answers)).toEqual(whole.filter(([row]) => ![20, 21, 22, 33, 34, 35].includes(row)));
    }
  });

  it('of several series are cut by series', async () => {
    const rows = Array.from({ length: 60 }, (_, at) => ({ shop: 'ABC'[at % 3]!, day: Math.floor(at / 3), y: at }));
    const whole = await all('shops', rows);
    expect(values(whole)).toEqual(rows.slice(6).map(({ y }) => [y, 3 * y - 9]));
    for (const options of [{ rowsPerRequest: 8 }, { rowsPerRequest: 25 }, { bytesPerRequest: 200 }])
      expect((await all('shops', rows, options)).predictions).toEqual(whole.predictions);
    expect(values(await all('shops', [...rows, { shop: 'D', day: 1, y: 0 }], { rowsPerRequest: 8 }))).toEqual(values(whole));
    await expect(all('shops', [{ shop: 'D', day: 1, y: 0 }])).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('predicts from 3 consecutive rows'),
    });
  });

  it('of series that are not in the order of time have the windows of those that are', async () => {
    const rows = Array.from({ length: 60 }, (_, at) => ({ shop: 'ABC'[at % 3]!, day: Math.floor(at / 3), y: at }));
    const whole = values(await all('shops', rows));
    // Each place is sent to another one; 37 and 60 have no factor in common.
    const shuffled: (Row | PerennialError)[] = rows.map((_, at) => rows[(37 * at + 5) % 60]!);
    const placeOf = (y: number): number => shuffled.findIndex((row) => (row as { y: number }).y === y);
    for (const options of [{}, { rowsPerRequest: 8 }]) {
      const answers = await all('shops', shuffled, options);
      expect(values(answers)).toEqual(whole.map(([y, sum]) => [placeOf(y), sum]).sort(([a], [b]) => (a as number) - (b as number)));
      expect(answers.sorted).toEqual({ by: 'day', rows: expect.any(Number) as number, first: expect.any(Number) as number });
      expect(answers.refused).toEqual([]);
    }
    // What is sorted by series stands as it should.
    expect(
      (
        await all(
          'shops',
          [...rows].sort((a, b) => (a.shop < b.shop ? -1 : a.shop === b.shop ? a.day - b.day : 1)),
        )
      ).sorted,
    ).toBeUndefined();
    const gone = placeOf(30);
    shuffled[gone] = { ...rows[30]!, day: null } as unknown as Row;
    const answers = await all('shops', shuffled, { rowsPerRequest: 8 });
    expect(answers.refused.map(({ row }) => row)).toEqual([gone]);
    expect(values(answers).map(([row]) => row)).toEqual(
      whole
        .filter(([y]) => ![30, 33, 36].includes(y))
        .map(([y]) => placeOf(y))
        .sort((a, b) => a - b),
    );
  });

  it('that were answered before the server went away are kept, and what ended it is told', async () => {
    let asked = 0;
    class Leaving extends ServerClient {
      override async predict(...args: Parameters<ServerClient['predict']>): ReturnType<ServerClient['predict']> {
        asked += 1;
        if (asked > 2) return new ServerClient('http://127.0.0.1:1', '').predict(...args);
        return super.predict(...args);
      }
    }
    const rows = Array.from({ length: 50 }, (_, y) => ({ y }));
    const answers = await predictAll(new Leaving(server.url, ''), 'rows', rows, {
      description: await client.describe('rows'),
      rowsPerRequest: 10,
      retryMs: 5,
    });
    expect(values(answers)).toEqual(rows.slice(0, 20).map(({ y }) => [y, y]));
    expect(answers.ended).toMatchObject({ code: 'SERVER_UNAVAILABLE' });
    expect(asked).toBe(8);
  });
});
