import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import type { Row } from '../../../src/core/tensor.ts';
import { readRows } from '../../../src/data/stored/dataset-rows.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import { countOverlap } from '../../../src/data/ingest/row-digests.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import type { DatasetMeta, DatasetProfile } from '../../../src/data/stored/dataset.ts';
import { validate } from '../../../src/data/expectations/validate.ts';
import type { ValidateConfig } from '../../../src/data/expectations/validate.ts';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
let dataset: ArtifactRef;
beforeAll(async () => {
  bench = await createBench();
  const rows = Array.from(
    { length: 100 },
    (_, k) =>
      `${k},${k === 50 ? '' : `s${k % 4}`},${k === 7 ? 6 : k},2024-01-${String((k % 28) + 1).padStart(2, '0')},${k % 2 ? 'a' : 'b'}`,
  );
  const path = await bench.file('v.csv', `x,s,id,d,y\n${rows.join('\n')}\n`);
  dataset = (await ingest(bench.context(), { source: { format: 'csv', path }, label: 'y', split: { by: 'random', stratify: true } }))
    .outputs.dataset!;
});
afterAll(() => bench.close());

const run = (expect: JsonObject[], config: Partial<ValidateConfig> = {}) =>
  validate(bench.context('validate'), { expect, ...config }, dataset);

async function rowsOf(ref: ArtifactRef): Promise<Row[]> {
  const artifact = await bench.open(ref);
  const rows: Row[] = [];
  for (const split of SPLITS) for await (const batch of readRows(artifact, split)) rows.push(...batch);
  return rows;
}

test('where all rows keep what was promised the dataset goes on as it is', async () => {
  const result = await run([
    { column: 'x', between: [0, 99] },
    { column: 's', matches: '^s\\d$' },
    { column: 'd', between: ['2024-01-01', null] },
    { column: 's', in: ['s0', 's1', 's2', 's3'] },
    { column: 'x', type: 'number' },
    { rows: { atLeast: 100, atMost: 100 } },
    { column: 's', distinct: { atLeast: 4, atMost: 4 } },
    { column: 's', missing: { atMost: 0.01 } },
    { column: 'x', mean: [49, 50] },
    { column: 's', length: { atLeast: 2 } },
  ]);
  expect(result.outputs.dataset).toEqual(dataset);
  expect(result.values).toEqual({ rows: 100, quarantined: 0, expectations: 10, violated: 0 });
});

describe('rows that break an expectation', () => {
  test.each([
    [{ column: 'x', between: [2, null] }, 2, 'x'],
    [{ column: 'd', between: [null, '2024-01-27'] }, 3, 'd'],
    [{ column: 's', notNull: true }, 1, 's'],
    [{ column: 'id', unique: true }, 1, 'id'],
    [{ column: 'x', in: Array.from({ length: 97 }, (_, k) => k) }, 3, 'x'],
    [{ column: 's', matches: '^(s0|s1|s3)' }, 24, 's'],
    [{ column: 's', length: { atLeast: 3 } }, 99, 's'],
  ] as [JsonObject, number, string][])('%j sets aside %i rows', async (expectation, count, column) => {
    if (count > 50) {
      expect(await failure(run([expectation]))).toMatchObject({
        code: 'EXPECTATION_FAILED',
        message: expect.stringContaining('the budget is 5.0 %'),
      });
      return;
    }
    const result = await run([expectation], { budget: 0.5 });
    expect(result.values).toMatchObject({ rows: 100 - count, quarantined: count, violated: 1 });
    const artifact = await bench.open(result.outputs.dataset);
    const meta = artifact.manifest.meta as unknown as DatasetMeta;
    expect(meta.quarantined).toBe(count);
    expect(await rowsOf(result.outputs.dataset!)).toHaveLength(100 - count);
    const overlap = (await countOverlap(artifact, await bench.open(dataset)))!;
    expect(SPLITS.map((split) => overlap[split])).toEqual(
      SPLITS.map((split) => ({ train: 0, validation: 0, test: 0, [split]: meta.rows[split] })),
    );
    expect(((await artifact.json('profile.json')) as unknown as DatasetProfile).rows).toBe(meta.rows.train);
    const reasons = await withDatabase(async (db) =>
      db.rows(`SELECT reason, content FROM read_parquet('${await artifact.path('quarantine.parquet')}')`),
    );
    expect(reasons).toHaveLength(count);
    expect(String(reasons[0]![0])).toContain(`"${column}"`);
    expect(JSON.parse(String(reasons[0]![1]))).toHaveProperty('y');
    expect((await run([expectation], { budget: 0.5 })).outputs).toEqual(result.outputs);
    expect(await failure(run([expectation], { onViolation: 'fail' }))).toMatchObject({
      code: 'EXPECTATION_FAILED',
      hint: expect.stringContaining('quarantine'),
    });
  });

  test('two reasons for one row count once and are both named', async () => {
    const result = await run([
      { column: 'x', between: [2, null] },
      { column: 'id', between: [1, null] },
    ]);
    expect(result.values).toMatchObject({ quarantined: 2, violated: 2 });
  });
});

test.each([
  [{ rows: { atLeast: 101 } }, 'there are 100 rows'],
  [{ column: 'x', type: 'string' }, '"x" is a integer column'],
  [{ column: 's', distinct: { atMost: 3 } }, '4 distinct values'],
  [{ column: 's', missing: { atMost: 0 } }, 'missing in 1.0 %'],
  [{ column: 'x', mean: [50, null] }, 'the mean of "x" is 49.5'],
] as [JsonObject, string][])('%j fails the step: it is about the data as a whole', async (expectation, words) => {
  expect(await failure(run([expectation]))).toMatchObject({ code: 'EXPECTATION_FAILED', message: expect.stringContaining(words) });
});

test.each([
  [{ column: 'nope', notNull: true }, 'COLUMN_MISSING', 'no column "nope"'],
  [{ column: 's', between: [0, 1] }, 'CONFIG_INVALID', 'is for number, integer, timestamp columns'],
  [{ column: 'd', between: [0, 1] }, 'CONFIG_INVALID', 'does not fit the timestamp column'],
  [{ column: 's', matches: '(' }, 'CONFIG_INVALID', 'no regular expression'],
  [{ column: 's', matches: '(?=a)' }, 'CONFIG_INVALID', 'matches'],
  [{ column: 's', likes: 1 }, 'CONFIG_INVALID', 'no expectation'],
] as [JsonObject, string, string][])('refuses %j', async (expectation, code, words) => {
  expect(await failure(run([expectation]))).toMatchObject({ code, message: expect.stringContaining(words) });
});
