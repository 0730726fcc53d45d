import { afterAll, beforeAll, expect, test } from 'vitest';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

const rows = Array.from({ length: 30 }, (_, k) => ({ x: k + 0.5, y: k % 2 === 0 ? 'a' : 'b' }));
const text = JSON.stringify(rows);

let files = 0;
async function run(source: string, config: Partial<IngestConfig> = {}, format = 'json'): Promise<Record<string, unknown>> {
  const path = await bench.file(`t${(files += 1)}.${format}`, source);
  const split = { train: 0.5, validation: 0.25, test: 0.25, by: 'random' } as const;
  return (await ingest(bench.context('ingest'), { label: 'y', split, source: { format, path }, ...config })).values as Record<
    string,
    unknown
  >;
}

test('elements of a JSON array that are no objects are set aside, and said', async () => {
  const source = JSON.stringify([null, ...rows, 5]);
  expect(await failure(run(source))).toMatchObject({ code: 'DATA_INVALID', message: expect.stringContaining('element is no JSON object') });
  expect(await run(source, { budget: 0.1 })).toMatchObject({ rows: 30, quarantined: 2 });
});

test.each([
  [JSON.stringify({ data: rows }), 'SOURCE_INVALID', 'begins with "{"', '"format": "ndjson"'],
  [text.slice(0, -20), 'SOURCE_INVALID', 'no valid JSON near element', 'cut short'],
  ['[1,2]', 'SOURCE_INVALID', 'None of the 2 elements', 'array of objects'],
  ['[]', 'SOURCE_EMPTY', 'array without elements', ''],
])('what is no array of objects is told in words of ours: %#', async (source, code, message, hint) => {
  const error = await failure(run(source));
  expect(error).toMatchObject({ code, message: expect.stringContaining(message), hint: expect.stringContaining(hint) });
  expect(error.message).not.toMatch(/Invalid Input Error|\/tmp/u);
});

test('a label of dates is refused, beside columns of every type', async () => {
  const lines = rows.map(({ x, y }, k) => `${x},${y},${k % 3 === 0},2024-0${1 + (k % 2)}-01`).join('\n');
  expect(await failure(run(`x,z,b,y\n${lines}\n`, {}, 'csv'))).toMatchObject({
    code: 'LABEL_INVALID',
    message: expect.stringContaining('a column of timestamps'),
    hint: expect.stringContaining('"columns": {"y": "string"}'),
  });
  expect(await run(`x,z,b,y\n${lines}\n`, { columns: { y: 'string' } }, 'csv')).toMatchObject({ rows: 30 });
});
