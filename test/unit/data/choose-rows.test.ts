import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import ingestStep from '../../../activities/steps/ingest.step.ts';
import { readRows } from '../../../src/data/stored/dataset-rows.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import type { Split } from '../../../src/data/stored/dataset.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
let source: IngestConfig['source'];
const line = (row: number): string => `${row},${'abcd'[row % 4]},${row % 10 === 0 ? '' : row % 7}`;

beforeAll(async () => {
  bench = await createBench();
  source = {
    format: 'csv',
    path: await bench.file('rows.csv', `id,kind,size\n${Array.from({ length: 800 }, (_, row) => line(row)).join('\n')}\n`),
  };
});
afterAll(() => bench.close());

async function rowsOf(
  config: Omit<IngestConfig, 'source'>,
  path = source.path,
): Promise<{ rows: Record<Split, Record<string, unknown>[]>; values: Record<string, unknown> }> {
  const { outputs, values } = await ingest(bench.context(), { source: { ...source, path }, label: 'kind', ...config });
  const rows: Record<Split, Record<string, unknown>[]> = { train: [], validation: [], test: [] };
  for (const split of SPLITS) for await (const batch of readRows(await bench.open(outputs.dataset), split)) rows[split].push(...batch);
  return { rows, values: values! };
}

const all = (rows: Record<Split, Record<string, unknown>[]>): Record<string, unknown>[] => SPLITS.flatMap((split) => rows[split]);
const kinds = (rows: readonly Record<string, unknown>[]): Record<string, number> =>
  Object.fromEntries(['a', 'b', 'c', 'd'].map((kind) => [kind, rows.filter((row) => row.kind === kind).length]));

describe('filter', () => {
  test('keeps rows that meet every condition, before they are split and counted', async () => {
    const { rows, values } = await rowsOf({
      filter: [
        { column: 'kind', in: ['a', 'b'] },
        { column: 'size', between: [1, 3] },
        { column: 'size', notNull: true },
      ],
    });
    const kept = all(rows);
    expect(kept.length).toBe(
      Array.from({ length: 800 }, (_, row) => row).filter((row) => row % 4 < 2 && row % 10 !== 0 && row % 7 >= 1 && row % 7 <= 3).length,
    );
    expect(kinds(kept)).toMatchObject({ c: 0, d: 0 });
    expect(values).toMatchObject({ filtered: 800 - kept.length, quarantined: 0 });
  });

  test('leaves a missing value in, unless "notNull" stands there', async () => {
    const { rows } = await rowsOf({ filter: [{ column: 'size', between: [100, 200] }] });
    expect(all(rows).every((row) => row.size === null)).toBe(true);
    expect(all(rows).length).toBe(80);
  });

  test('says what is wrong', async () => {
    expect(await failure(rowsOf({ filter: [{ column: 'kind', in: ['z'] }] }))).toMatchObject({
      code: 'SOURCE_EMPTY',
      message: 'filter: none of 800 rows meets {"column":"kind","in":["z"]}.',
    });
    expect(await failure(rowsOf({ filter: [{ column: 'kid', in: ['a'] }] }))).toMatchObject({
      code: 'COLUMN_MISSING',
      message: expect.stringContaining('filter: there is no column "kid"') as string,
    });
    expect(await failure(rowsOf({ filter: [{ column: 'kind', between: [1, 2] }] }))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('filter: "between" is for') as string,
    });
    expect(await failure(rowsOf({ filter: [{ rows: { atLeast: 1 } }] }))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('judges all rows together') as string,
    });
    expect(await failure(rowsOf({ filter: [{ column: 'kind', in: ['a'] }] }))).toMatchObject({ code: 'LABEL_INVALID' });
  });
});

describe('sample', () => {
  test('takes a share of the train split; the others stay whole', async () => {
    const split = { train: 0.7, validation: 0.1, test: 0.2, stratify: true };
    const [whole, part] = [await rowsOf({ split }), await rowsOf({ split, sample: { fraction: 0.1 } })];
    for (const count of Object.values(kinds(part.rows.train))) expect(count).toBeGreaterThan(5);
    expect(part.rows.test).toEqual(whole.rows.test);
    expect(part.rows.validation).toEqual(whole.rows.validation);
    const ids = new Set(whole.rows.train.map((row) => row.id));
    expect(part.rows.train.every((row) => ids.has(row.id))).toBe(true);
    expect(part.rows.train.length).toBeGreaterThan(35);
    expect(part.rows.train.length).toBeLessThan(80);
    expect(part.values).toMatchObject({ trainRows: part.rows.train.length, unsampled: whole.rows.train.length - part.rows.train.length });
    // The same rows each time, and others by another seed.
    expect((await rowsOf({ split, sample: { fraction: 0.1 } })).rows.train).toEqual(part.rows.train);
  });

  test('keeps the rows that are in when others come', async () => {
    const sample = { fraction: 0.3, splits: ['train', 'validation', 'test'] as const };
    const before = all((await rowsOf({ sample })).rows).map((row) => row.id);
    const path = await bench.file('more.csv', `id,kind,size\n${Array.from({ length: 1_000 }, (_, row) => line(row)).join('\n')}\n`);
    const after = new Set(all((await rowsOf({ sample }, path)).rows).map((row) => row.id));
    expect(before.length).toBeGreaterThan(190);
    expect(before.length).toBeLessThan(290);
    expect(before.every((id) => after.has(id))).toBe(true);
    expect(after.size).toBeGreaterThan(before.length);
    const seeded = all((await rowsOf({ sample, seed: 2 })).rows).map((row) => row.id);
    expect(seeded).not.toEqual(before);
  });

  test('keeps rows with one key together', async () => {
    const { rows } = await rowsOf({ split: { key: 'size' }, sample: { fraction: 0.5, splits: ['train', 'validation', 'test'] } });
    const left = new Set(all(rows).map((row) => row.size));
    for (const size of left)
      if (size !== null)
        expect(all(rows).filter((row) => row.size === size).length).toBe(
          Array.from({ length: 800 }, (_, row) => row).filter((row) => row % 10 !== 0 && row % 7 === size).length,
        );
  });

  test('says what is wrong', async () => {
    expect(await failure(rowsOf({ sample: { fraction: 0.000001 } }))).toMatchObject({
      code: 'SPLIT_INVALID',
      message: expect.stringContaining('The sample of 0.000001 of the') as string,
    });
    expect(
      ingestStep.check!(
        { source, label: 'kind', split: { by: 'time', column: 'id' }, sample: { fraction: 0.1 } },
        { pipeline: 'p', before: [], after: [] },
      ),
    ).toMatchObject([{ pointer: '/sample' }]);
    expect(
      ingestStep.check!({ source, label: 'kind', filter: [{ column: 'id', unique: true }] }, { pipeline: 'p', before: [], after: [] }),
    ).toMatchObject([{ pointer: '/filter/0' }]);
  });
});
