import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import type { Row } from '../../../src/core/tensor.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { parseJson } from '../../../src/data/reading/json-numbers.ts';
import { readFileAs } from '../../../src/data/reading/read-as.ts';
import type { DatasetMeta, SourceReading } from '../../../src/data/stored/dataset.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import type { Column } from '../../../src/data/stored/column.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { columnOfRows } from '../../../src/data/table/row-values.ts';
import { readRowsFile } from '../../../src/serving/rows-file.ts';
import { createBench } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

interface Learnt {
  readonly reading: SourceReading;
  readonly columns: readonly Column[];
  /** By the value of `k`. */
  readonly values: ReadonlyMap<number, Row>;
}

let runs = 0;
/** A source with the column k = 0, 1, …, as training sees it. */
async function learn(source: JsonObject, more: JsonObject = {}): Promise<Learnt> {
  const { outputs } = await ingest(bench.context(`carriers-${(runs += 1)}`), {
    source,
    columns: { k: 'integer', ...(more['columns'] as JsonObject | undefined) },
    split: { by: 'hash', train: 0.6, validation: 0.2, test: 0.2 },
  } as unknown as IngestConfig);
  const meta = (await bench.open(outputs.dataset)).manifest.meta as unknown as DatasetMeta;
  const rows = await bench.rows(outputs.dataset);
  return {
    reading: meta.reading!,
    columns: meta.columns.filter(({ name }) => name !== 'k'),
    values: new Map(SPLITS.flatMap((name) => rows[name]).map((row) => [Number(row['k']), row])),
  };
}

/** What a model that learnt so makes of rows of a request, as `learn` shows values. */
async function served({ columns, reading }: Learnt, rows: readonly Row[]): Promise<Row[]> {
  const made: Row[] = rows.map((row) => ({ k: row['k'] }));
  for (const { name, type } of columns) {
    const own = reading.columns.find((column) => column.name === name)!;
    const data = await columnOfRows(rows, { ...own, type, nullValues: (reading.source['nullValues'] ?? []) as string[] });
    rows.forEach((_, index) => {
      const value = (data.values as ArrayLike<unknown>)[index];
      (made[index] as Record<string, unknown>)[name] = shown(value, type);
    });
  }
  return made;
}

function shown(value: unknown, type: Column['type']): unknown {
  if (value === null || (typeof value === 'number' && Number.isNaN(value))) return null;
  if (type === 'timestamp') return new Date(value as number).toISOString();
  return type === 'boolean' ? value === 1 : value;
}

/** As `drift --current` sees the rows of a file. */
async function compared({ columns, reading }: Learnt, file: string): Promise<Row[]> {
  return readFileAs(file, bench.dir, reading, [{ name: 'k', type: 'integer' }, ...columns], async ({ db, columns: found, source }) => {
    const list = found.map(({ column, value }) => (column.type === 'timestamp' ? `strftime(${value}, '%Y-%m-%dT%H:%M:%S.%gZ')` : value));
    const odd = found.map(({ odd: sql }) => sql);
    const rows = await db.rows(`SELECT ${[...list, ...odd].join(', ')} FROM ${source}`);
    return rows.map((row) =>
      Object.fromEntries(found.map(({ column }, at) => [column.name, row[list.length + at] === true ? 'unreadable' : row[at]])),
    );
  });
}

async function expectSame(learnt: Learnt, what: string, rows: readonly Row[]): Promise<void> {
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows) {
    const known = learnt.values.get(Number(row['k']));
    if (known !== undefined) expect([what, { ...row, k: Number(row['k']) }]).toEqual([what, { ...known, k: Number(known['k']) }]);
  }
}

/** Everything that reads a file, or rows of a request. */
async function expectEverywhere(learnt: Learnt, files: readonly string[], requests: readonly (readonly Row[])[]): Promise<void> {
  const types = Object.fromEntries(learnt.columns.map(({ name, type }) => [name, type]));
  for (const file of files) {
    await expectSame(learnt, `drift --current ${file}`, await compared(learnt, file));
    const sent = await readRowsFile(join(bench.dir, file), { columns: { k: 'integer', ...types }, reading: learnt.reading });
    await expectSame(learnt, `predict --rows ${file}`, await served(learnt, sent));
  }
  for (const [at, rows] of requests.entries()) await expectSame(learnt, `request ${at}`, await served(learnt, rows));
}

const lines = (rows: readonly string[]): string => rows.map((row) => `${row}\n`).join('');
const parquet = (name: string, sql: string): Promise<void> =>
  withDatabase((db) => db.run(`COPY (${sql}) TO '${join(bench.dir, name)}' (FORMAT parquet)`));
const objects = (rows: readonly string[]): Row[] => rows.map((row) => parseJson(row) as Row);

describe('a text that means a missing value', () => {
  it('does so as a number, and however the number is written', async () => {
    const texts = ['-999', '-999.0', ' -999', '3.5', '', '7'];
    const text = lines([
      'k,n,d,t',
      ...Array.from(
        { length: 60 },
        (_, k) =>
          `${k},${texts[k % 6]},"${texts[k % 6]!.replace('.', ',')}",${k % 6 === 1 ? '9999-12-31' : k % 6 === 2 ? '9999-12-31T00:00:00Z' : '2024-01-02'}`,
      ),
    ]);
    const learnt = await learn(
      { format: 'csv', path: await bench.file('null.csv', text), nullValues: ['', '-999', '9999-12-31'] },
      { columns: { d: { number: { decimal: ',' } }, t: 'timestamp' } },
    );
    expect([...learnt.values.values()].filter(({ n }) => n === -999)).toEqual([]);
    const numbers = ['-999', '-999.0', '-999', '3.5', 'null', '7'];
    const json = Array.from(
      { length: 60 },
      (_, k) =>
        `{"k": ${k}, "n": ${numbers[k % 6]}, "d": ${numbers[k % 6]}, "t": "${k % 6 === 1 || k % 6 === 2 ? '9999-12-31T00:00:00Z' : '2024-01-02'}"}`,
    );
    await bench.file('null.ndjson', lines(json));
    await parquet(
      'null.parquet',
      `SELECT k, n, n AS d, CAST(t AS TIMESTAMP) AS t FROM (SELECT CAST(k AS INTEGER) AS k, [-999, -999, -999, 3.5, NULL, 7][k % 6 + 1] AS n, CASE WHEN k % 6 IN (1, 2) THEN DATE '9999-12-31' ELSE DATE '2024-01-02' END AS t FROM range(60) r(k))`,
    );
    await expectEverywhere(learnt, ['null.csv', 'null.ndjson', 'null.parquet'], [objects(json)]);
  });

  it('is no word that the model has learnt as a value: NA may be a country', async () => {
    const rows = Array.from({ length: 60 }, (_, k) => ({ k, country: ['NA', 'DE', null][k % 3], other: ['x', null, 'y'][k % 3] }));
    const json = rows.map((row) => JSON.stringify(row));
    const learnt = await learn({ format: 'ndjson', path: await bench.file('country.ndjson', lines(json)) });
    // Where no value is called so, the word of another program for a missing value is one.
    await bench.file(
      'country.csv',
      lines(['k,country,other', ...rows.map(({ k, country, other }) => `${k},${country ?? ''},${other ?? 'NA'}`)]),
    );
    await expectEverywhere(learnt, ['country.ndjson', 'country.csv'], [rows]);
  });
});

describe('columns of Parquet', () => {
  it('hold lists, structs, days and decimals as JSON of them', async () => {
    const sql = `SELECT CAST(k AS INTEGER) AS k, [CAST(k % 3 AS DOUBLE), 2.5] AS list, [CAST(k % 4 AS FLOAT) / 10, NULL] AS floats, {'size': CAST(k % 3 AS DOUBLE), 'day': DATE '2024-01-02', 'at': TIMESTAMP '2024-01-02 03:04:05', 'cost': CAST(k % 5 AS DECIMAL(10, 2)) / 4, 'big': CAST('12345678901234567891' AS UBIGINT), 'FLOAT': [{'x': CAST(0.7 AS FLOAT)}]} AS thing, MAP {'a': CAST(0.1 AS FLOAT)} AS map, CAST(k % 3 AS DOUBLE) / 100000 AS small, CAST(k % 4 AS DECIMAL(10, 2)) / 8 AS price FROM range(60) t(k)`;
    await parquet('nested.parquet', sql);
    const learnt = await learn({ format: 'parquet', path: 'nested.parquet' }, { columns: { small: 'string', price: 'string' } });
    const json = Array.from(
      { length: 60 },
      (_, k) =>
        `{"k": ${k}, "list": [${k % 3}.0, 2.50], "floats": [${(k % 4) / 10}, null], "thing": {"size": ${k % 3}, "day": "2024-01-02", "at": "2024-01-02T03:04:05", "cost": ${(k % 5) / 4}, "big": 12345678901234567891, "FLOAT": [{"x": 0.7}]}, "map": {"a": 0.1}, "small": ${(k % 3) / 100000}, "price": ${(k % 4) / 8}}`,
    );
    await bench.file('nested.ndjson', lines(json));
    await expectEverywhere(learnt, ['nested.parquet', 'nested.ndjson'], [objects(json)]);
  });

  it('of 32 bits hold the decimals that people wrote', async () => {
    await parquet(
      'float32.parquet',
      `SELECT CAST(k AS INTEGER) AS k, CAST(k % 10 / 10.0 AS FLOAT) AS f, CAST(k % 10 / 10.0 AS FLOAT) AS text FROM range(60) t(k)`,
    );
    const learnt = await learn({ format: 'parquet', path: 'float32.parquet' }, { columns: { text: 'string' } });
    expect(learnt.values.get(7)).toMatchObject({ f: 0.7, text: '0.7' });
    const rows = Array.from({ length: 60 }, (_, k) => ({ k, f: (k % 10) / 10, text: (k % 10) / 10 }));
    // As programs write numbers of 32 bits.
    const wide = rows.map(({ k, f, text }) => ({ k, f: Math.fround(f), text: Math.fround(text) }));
    await bench.file('float32.csv', lines(['k,f,text', ...rows.map(({ k, f, text }) => `${k},${Math.fround(f)},${text}`)]));
    await bench.file('float32.ndjson', lines(wide.map((row) => JSON.stringify(row))));
    await expectEverywhere(learnt, ['float32.parquet', 'float32.csv', 'float32.ndjson'], [rows, wide]);
  });

  it('have the names that stand in the file, whatever their case', async () => {
    await parquet(
      'case.parquet',
      `SELECT CAST(k AS INTEGER) AS k, k % 7 AS "Size", 'v' || k % 3 AS tize, k % 2 = 0 AS size_1 FROM range(60) t(k)`,
    );
    const path = join(bench.dir, 'case.parquet');
    await writeFile(path, Buffer.from((await readFile(path)).toString('latin1').replaceAll('tize', 'size'), 'latin1'));
    const learnt = await learn({ format: 'parquet', path: 'case.parquet' });
    expect(learnt.columns.map(({ name }) => name)).toEqual(['Size', 'size', 'size_1']);
    const rows = Array.from({ length: 60 }, (_, k) => ({ k, Size: k % 7, size: `v${k % 3}`, size_1: k % 2 === 0 }));
    await expectEverywhere(learnt, ['case.parquet'], [rows]);
  });

  it('hold decimals as numbers where these are exact, and never lose one', async () => {
    await parquet(
      'decimal.parquet',
      `SELECT CAST(k AS INTEGER) AS k, CAST(9999999999.25 + k AS DECIMAL(13, 2)) AS money, CAST(0.01 * k AS DECIMAL(38, 10)) AS fine, CAST('123456789012345678.90' AS DECIMAL(38, 2)) + k AS beyond, CAST('1152921504606846976' AS UBIGINT) AS power FROM range(60) t(k)`,
    );
    const learnt = await learn({ format: 'parquet', path: 'decimal.parquet' });
    expect(learnt.columns.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      'money: number',
      'fine: number',
      'beyond: string',
      'power: string',
    ]);
    expect(learnt.values.get(3)).toMatchObject({
      money: 10000000002.25,
      fine: 0.03,
      beyond: '123456789012345681.9',
      power: '1152921504606846976',
    });
    await expectEverywhere(learnt, ['decimal.parquet'], []);
  });
});

describe('numbers of JSON', () => {
  it('are texts as a request gives them, however the file writes them', async () => {
    const json = Array.from(
      { length: 60 },
      (_, k) =>
        `{"k": ${k}, "s": ${k % 5}.0, "ids": ${k % 3 ? `90071992547409930${k % 7}` : '5.0'}, "nested": {"id": [1234567890123456789${k % 4}]}, "small": 0.0000${k % 9}}`,
    );
    const learnt = await learn(
      { format: 'ndjson', path: await bench.file('written.ndjson', lines(json)) },
      { columns: { s: 'string', small: 'string' } },
    );
    expect(learnt.values.get(3)).toMatchObject({ s: '3', ids: '5', nested: '{"id":[12345678901234567893]}', small: '0.00003' });
    await expectEverywhere(learnt, ['written.ndjson'], [objects(json)]);
  });

  it('count milliseconds in a column of points in time, and are true or false as they are in a request', async () => {
    const json = Array.from({ length: 60 }, (_, k) => `{"k": ${k}, "t": ${1_700_000_000_000 + k * 1000}, "b": ${k % 2}.0}`);
    const learnt = await learn(
      { format: 'ndjson', path: await bench.file('moments.ndjson', lines(json)) },
      { columns: { t: 'timestamp', b: 'boolean' } },
    );
    expect(learnt.values.size).toBe(60);
    await expectEverywhere(learnt, ['moments.ndjson'], [objects(json)]);
  });
});

it('whole numbers may have fractions in other rows', async () => {
  const learnt = await learn({
    format: 'csv',
    path: await bench.file('whole.csv', lines(['k,n', ...Array.from({ length: 60 }, (_, k) => `${k},${k % 9}`)])),
  });
  const rows = Array.from({ length: 20 }, (_, k) => ({ k: 100 + k, n: k + 0.5 }));
  await bench.file('fractions.csv', lines(['k,n', ...rows.map(({ k, n }) => `${k},${n}`)]));
  await bench.file('fractions.ndjson', lines(rows.map((row) => JSON.stringify(row))));
  for (const file of ['fractions.csv', 'fractions.ndjson']) {
    expect(await compared(learnt, file)).toEqual(rows);
    expect(
      await served(learnt, await readRowsFile(join(bench.dir, file), { columns: { k: 'integer', n: 'integer' }, reading: learnt.reading })),
    ).toEqual(rows);
  }
});

it('models of versions that read Parquet as the database shows it still do', async () => {
  await parquet(
    'before.parquet',
    `SELECT CAST(k AS INTEGER) AS k, [CAST(k AS DOUBLE)] AS list, CAST(0.7 AS FLOAT) AS f FROM range(30) t(k)`,
  );
  const { reading, columns, values } = await learn({ format: 'parquet', path: 'before.parquet' });
  const { canonical: _, ...before } = reading;
  const old: Learnt = {
    columns: columns.map(({ name, type }) => ({ name, type })),
    values,
    reading: { ...before, columns: before.columns.map(({ float32: _float32, ...column }) => column) },
  };
  expect((await compared(old, 'before.parquet'))[3]).toEqual({ k: 3, list: '[3.0]', f: Math.fround(0.7) });
});
