import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TensorBatch } from '../../../src/core/tensor.ts';
import { openExamples } from '../../../src/data/stored/examples.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import type { PreprocessConfig } from '../../../src/data/preprocess/preprocess-config.ts';
import type { ExamplesMeta } from '../../../src/data/stored/dataset.ts';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

let files = 0;
async function make(
  rows: readonly string[],
  config: PreprocessConfig,
  split: object = { by: 'random' },
): Promise<{ meta: ExamplesMeta; train: TensorBatch; test: TensorBatch }> {
  const path = await bench.file(`w${(files += 1)}.csv`, `t,x,w,y\n${rows.join('\n')}\n`);
  const { outputs } = await ingest(bench.context(), { source: { format: 'csv', path }, label: 'y', split });
  const made = await preprocess(bench.context(), config, outputs.dataset!);
  const examples = await openExamples(await bench.open(made.outputs.examples));
  const read = (name: 'train' | 'test'): TensorBatch => {
    const reader = examples.reader(name);
    const batch = reader.read(0, reader.rows);
    reader.close();
    return batch;
  };
  return { meta: examples.meta, train: read('train'), test: read('test') };
}

/** The weight is ten times the feature. */
const ROWS = Array.from({ length: 40 }, (_, row) =>
  `2026-01-${String(1 + (row % 28)).padStart(2, '0')}T${String(row).padStart(2, '0').slice(-1)}0:00:00Z,${row},${row / 4},${row % 2 === 0 ? 'a' : 'b'}`
    .replace('T', ' ')
    .replace('Z', ''),
);
const SERIES = Array.from(
  { length: 40 },
  (_, row) =>
    `2026-${String(1 + Math.floor(row / 28)).padStart(2, '0')}-${String(1 + (row % 28)).padStart(2, '0')},${row},${row / 4},${row * 2}.5`,
);

describe('a column with the weights of rows', () => {
  test('that lets no training row count is refused, and so is a missing one, with a hint that leaves it out', async () => {
    const zero = ROWS.map((row) => row.replace(/,[^,]*,(.)$/u, ',0,$1'));
    expect(await failure(make(zero, { weight: 'w' }))).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('is 0 in all'),
    });
    const missing = ROWS.map((row, at) => (at % 2 === 0 ? row.replace(/,[^,]*,(.)$/u, ',,$1') : row));
    expect(await failure(make(missing, { weight: 'w' }))).toMatchObject({
      message: expect.stringContaining('is missing'),
      hint: expect.stringContaining('"filter": [{ "column": "w", "notNull": true }]'),
    });
  });

  test('goes beside the training rows, and is no feature', async () => {
    for (const features of [{ x: [] }, undefined]) {
      const { meta, train, test } = await make(ROWS, { weight: 'w', ...(features === undefined ? {} : { features }) });
      expect(meta.weight).toBe('w');
      expect(meta.inputs.map(({ name }) => name)).not.toContain('w');
      if (features !== undefined) expect([...train['@weight']!.data]).toEqual([...train.features!.data].map((value) => value / 4));
      expect(train['@weight']!.rows).toBe(train['@label']!.rows);
      expect(test).not.toHaveProperty('@weight');
      expect(test.features!.data.length).toBe(test.features!.rows * meta.inputs.find(({ name }) => name === 'features')!.shape[0]!);
    }
  });

  test('of times lets rows count half as much for each half-life, counted from the newest one, and 1 on average', async () => {
    const rows = Array.from(
      { length: 60 },
      (_, row) => `2026-01-${String(1 + (row % 20)).padStart(2, '0')} 00:00:00,${row % 20},1,${row % 2 === 0 ? 'a' : 'b'}`,
    );
    const { meta, train } = await make(rows, { weight: { column: 't', halfLife: '5d' }, features: { x: [] } });
    const [days, weights] = [[...train.features!.data], [...train['@weight']!.data]];
    const newest = weights[days.indexOf(Math.max(...days))]!;
    for (const [row, day] of days.entries()) expect(weights[row]! / newest).toBeCloseTo(2 ** ((day - Math.max(...days)) / 5), 5);
    expect(weights.reduce((sum, weight) => sum + weight, 0) / weights.length).toBeCloseTo(1, 5);
    expect(meta).toMatchObject({ weight: 't', recency: { halfLife: '5d', halfLifeMs: 432_000_000 } });
    // When a row is of is known when the model is asked: the time may be a feature as well.
    const dated = await make(rows, { weight: { column: 't', halfLife: '5d' }, features: { x: [], t: [{ dateParts: ['dayOfWeek'] }] } });
    expect(dated.train['@weight']!.data).toEqual(train['@weight']!.data);
  });

  test('follows rows that are repeated, and windows of a series', async () => {
    const { train } = await make(ROWS.slice(0, 30), { weight: 'w', features: { x: [] }, balance: 'oversample' });
    expect([...train['@weight']!.data]).toEqual([...train.features!.data].map((value) => value / 4));
    const windows = await make(
      SERIES,
      { weight: 'w', features: { x: [] }, label: [], sequence: { size: 3, horizon: 2, by: 't' } },
      { by: 'time', column: 't' },
    );
    // The label's row: label = 2 x + 0.5, weight = x / 4.
    expect([...windows.train['@weight']!.data]).toEqual([...windows.train['@label']!.data].map((value) => (value - 0.5) / 8));
  });

  test.each([
    [{ weight: 'y' }, ROWS, 'CONFIG_INVALID', /"y" is a string column/],
    [{ weight: 'nowhere' }, ROWS, 'COLUMN_MISSING', /nowhere/],
    [{ weight: 't' }, SERIES, 'CONFIG_INVALID', /"t" is a timestamp column; the weights of rows are numbers/],
    [{ weight: { column: 'w', halfLife: '5d' } }, ROWS, 'CONFIG_INVALID', /"w" is a number column; "halfLife" counts from timestamps/],
    [
      { weight: { column: 't', halfLife: '5d' }, features: { x: [] } },
      SERIES.map((row, index) => (index % 3 === 0 ? row.replace(/^[^,]*/, '') : row)),
      'DATA_INVALID',
      /row \d+: the weight "t" is missing/,
    ],
    [{ weight: 'w', features: { w: [] } }, ROWS, 'CONFIG_INVALID', /"w" holds the weights of rows/],
    [
      { weight: 'x', label: [], features: { w: [] } },
      SERIES.map((row) => row.replace(/,(\d+),/, ',-$1,')),
      'DATA_INVALID',
      /row \d+: the weight "x" is -\d+; a weight is a number from 0 up/,
    ],
    [
      { weight: 'w', features: { x: [] } },
      ROWS.map((row, index) => (index % 3 === 0 ? row.replace(/,[^,]*(,[ab])$/, ',$1') : row)),
      'DATA_INVALID',
      /row \d+: the weight "w" is missing/,
    ],
    [{ weight: 'w', features: { x: [] }, balance: { smote: {} } }, ROWS.slice(0, 29), 'CONFIG_INVALID', /SMOTE have no weight/],
  ] as const)('%j is refused', async (config, rows, code, message) => {
    const found = await failure(make(rows, config));
    expect(found.code).toBe(code);
    expect(found.message).toMatch(message);
  });
});
