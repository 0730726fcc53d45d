import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { readFileAs } from '../../../src/data/reading/read-as.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import type { DatasetMeta } from '../../../src/data/stored/dataset.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import type { Row } from '../../../src/core/tensor.ts';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

/** Columns of `k`, the number of the row, as SQL. */
async function parquet(path: string, columns: string, from = 0, to = 40): Promise<string> {
  await mkdir(join(bench.dir, path, '..'), { recursive: true });
  await withDatabase((db) =>
    db.run(
      `COPY (SELECT CAST(k AS INTEGER) AS k, ${columns} FROM range(${from}, ${to}) t(k)) TO '${join(bench.dir, path)}' (FORMAT parquet)`,
    ),
  );
  return path;
}

interface Read {
  readonly meta: DatasetMeta;
  readonly rows: readonly Row[];
  readonly details: string;
}

async function read(path: string, more: object = {}, dir = bench.dir): Promise<Read> {
  const { outputs, details = '' } = await ingest({ ...bench.context(), documentDir: dir }, {
    source: { format: 'parquet', path },
    split: { by: 'hash', train: 0.6, validation: 0.2, test: 0.2 },
    ...more,
  } as unknown as IngestConfig);
  const rows = await bench.rows(outputs.dataset);
  return {
    meta: (await bench.open(outputs.dataset)).manifest.meta as unknown as DatasetMeta,
    rows: SPLITS.flatMap((name) => rows[name]).sort((a, b) => Number(a['k']) - Number(b['k'])),
    details,
  };
}

const typeOf = ({ meta }: Read, name: string) => meta.columns.find((column) => column.name === name)?.type;

describe('files of one source whose columns differ in type', () => {
  test.each([
    ['whole numbers, then fractions', 'k AS v', 'k + 0.5::DOUBLE AS v', 'number', 0, 40.5],
    ['fractions, then whole numbers', 'k + 0.5::DOUBLE AS v', 'k AS v', 'number', 0.5, 40],
    ['32 bits, then 64', 'CAST(k AS INTEGER) AS v', '1099511627776 + k AS v', 'integer', 0, 1_099_511_627_816],
    ['short decimals, then longer ones', 'CAST(k AS DECIMAL(9, 1)) AS v', 'CAST(k + 0.25 AS DECIMAL(12, 2)) AS v', 'number', 0, 40.25],
    ['numbers of 32 bits, then of 64', 'CAST(k + 0.1 AS FLOAT) AS v', 'CAST(k + 0.123456789 AS DOUBLE) AS v', 'number', 0.1, 40.123456789],
    ['nothing, then texts', 'CAST(NULL AS INTEGER) AS v', `'a' || k AS v`, 'string', null, 'a40'],
    ['texts, then nothing', `'a' || k AS v`, 'CAST(NULL AS INTEGER) AS v', 'string', 'a0', null],
    [
      'days, then moments',
      `DATE '2024-01-02' AS v`,
      `TIMESTAMP '2024-01-02 13:30:00' AS v`,
      'timestamp',
      '2024-01-02T00:00:00.000Z',
      '2024-01-02T13:30:00.000Z',
    ],
  ])('are read as they are, and not by the first file: %s', async (name, first, second, type, one, other) => {
    const folder = name.replaceAll(/\W+/g, '-');
    await parquet(`${folder}/p1.parquet`, first);
    await parquet(`${folder}/p2.parquet`, second, 40, 80);
    const found = await read(`${folder}/p*.parquet`);
    expect([typeOf(found, 'v'), found.rows[0]!['v'], found.rows[40]!['v']]).toEqual([type, one, other]);
  });

  test.each([
    [
      'truth, then numbers',
      'k % 2 = 0 AS v',
      'k AS v',
      'The column "v" is of type BIGINT in p2.parquet, and of type BOOLEAN in p1.parquet.',
    ],
    ['texts, then numbers', `'a' AS v`, 'k AS v', 'The column "v" is of type BIGINT in p2.parquet, and of type VARCHAR in p1.parquet.'],
    [
      'more digits than a number holds, and fractions',
      '9007199254740993 + k AS v',
      'k + 0.5::DOUBLE AS v',
      'The column "v" is of type DOUBLE in p2.parquet, and of type BIGINT in p1.parquet.',
    ],
    ['a column more', 'k AS v', 'k AS v, k AS w', 'p1.parquet has no column "w", and p2.parquet has one.'],
    ['a column less', 'k AS v, k AS w', 'k AS v', 'p2.parquet has no column "w", and p1.parquet has one.'],
  ])('are refused where they do not go together: %s', async (name, first, second, message) => {
    const folder = `not-${name.replaceAll(/\W+/g, '-')}`;
    await parquet(`${folder}/p1.parquet`, first);
    await parquet(`${folder}/p2.parquet`, second, 40, 80);
    expect(await failure(read(`${folder}/p*.parquet`))).toMatchObject({
      code: 'SOURCE_INVALID',
      message,
      hint: expect.any(String) as string,
    });
  });
});

describe('folders that are called like columns', () => {
  test('are columns where the path of the source names them, with their texts as they stand', async () => {
    await parquet('lake/zip=01234/kind=a%20b/x.parquet', 'k AS v');
    await parquet('lake/zip=99999/kind=__HIVE_DEFAULT_PARTITION__/x.parquet', 'k AS v', 40, 80);
    const found = await read('lake/zip=*/kind=*/x.parquet');
    expect([found.rows[0], found.rows[40]]).toEqual([
      { k: 0, v: 0, zip: '01234', kind: 'a b' },
      { k: 40, v: 40, zip: '99999', kind: null },
    ]);
    const columns = found.meta.columns;
    const again = await readFileAs('lake/zip=01234/kind=a%20b/x.parquet', bench.dir, found.meta.reading, columns, async (table) =>
      table.db.rows(`SELECT ${table.columns.map(({ value }) => value).join(', ')} FROM ${table.source} LIMIT 1`),
    );
    expect(again).toEqual([[0, 0, '01234', 'a b']]);
    // Folders above are no columns that the model lacks.
    await parquet('q=1/zip=01234/kind=a/x.parquet', 'k AS v');
    const path = join(bench.dir, 'q=1/zip=01234/kind=a/x.parquet');
    expect(await readFileAs(path, bench.dir, found.meta.reading, columns, ({ names }) => Promise.resolve(names))).toEqual([
      'k',
      'v',
      'zip',
      'kind',
    ]);
  });

  test('are none above the source, nor where the file has the column itself', async () => {
    await parquet('at=7/v=5/x.parquet', 'k AS v');
    expect((await read('x.parquet', {}, join(bench.dir, 'at=7/v=5'))).rows[3]).toEqual({ k: 3, v: 3 });
    expect((await read('v=5/x.parquet', {}, join(bench.dir, 'at=7'))).rows[3]).toEqual({ k: 3, v: 3 });
  });
});

test('bytes that are no images are texts, in base64 where they are none', async () => {
  await parquet(
    'bytes.parquet',
    `encode('é' || k % 4) AS old, CASE WHEN k % 2 = 0 THEN '\\xFF\\x00'::BLOB ELSE '\\x01\\x02'::BLOB END AS raw`,
  );
  const found = await read('bytes.parquet');
  expect(found.rows[1]).toEqual({ k: 1, old: 'é1', raw: 'AQI=' });
  expect(found.rows[2]).toEqual({ k: 2, old: 'é2', raw: '/wA=' });
  expect(found.details).toContain('The column "old" holds bytes that are no images: it is read as text');
});

test('decimals of more digits than the database holds are refused, which gives other numbers for them', async () => {
  // The digits that a file promises stand in its footer: 9 becomes 39, in both places that say it.
  const { readFile, writeFile } = await import('node:fs/promises');
  await parquet('long.parquet', `CAST(k AS DECIMAL(38, 2)) AS v`);
  const path = join(bench.dir, 'long.parquet');
  const bytes = await readFile(path);
  // Zigzag varints of thrift: 38 is 0x4c, 50 is 0x64.
  for (let at = bytes.length - 400; at < bytes.length; at += 1) if (bytes[at] === 0x4c) bytes[at] = 0x64;
  await writeFile(path, bytes);
  expect(await failure(read('long.parquet'))).toMatchObject({
    code: 'SOURCE_INVALID',
    message: 'long.parquet: the column "v" holds decimals of up to 50 digits; at most 38 are read.',
  });
});
