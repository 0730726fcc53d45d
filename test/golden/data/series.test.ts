import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openExamples } from '../../../src/data/stored/examples.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import { createBench } from '../../unit/data/support.ts';
import type { Bench } from '../../unit/data/support.ts';

interface Case {
  readonly size: number;
  readonly horizon: number;
  readonly gap: number;
  readonly rows: readonly (readonly [day: number, shop: string, y: number])[];
  readonly windows: readonly (readonly number[])[];
}

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

test('windows of several series are those of pandas, all splits together', async () => {
  const cases = JSON.parse(await readFile(new URL('series.json', import.meta.url), 'utf8')) as Case[];
  expect(cases).toHaveLength(3);
  for (const [index, { size, horizon, gap, rows, windows }] of cases.entries()) {
    const path = await bench.file(`shops${index}.csv`, `day,shop,y\n${rows.map((row) => row.join(',')).join('\n')}\n`);
    const { outputs } = await ingest(bench.context(), {
      source: { format: 'csv', path },
      label: 'y',
      columns: { y: 'number' },
      split: { by: 'time', column: 'day' },
    } as never);
    const made = await preprocess(
      bench.context(),
      { features: { y: [] }, label: [], sequence: { size, horizon, by: 'day', key: 'shop', gap } },
      outputs.dataset!,
    );
    const examples = await openExamples(await bench.open(made.outputs.examples));
    const found = SPLITS.flatMap((split) => {
      const reader = examples.reader(split);
      const { features, '@label': label } = reader.read(0, reader.rows);
      reader.close();
      return Array.from({ length: reader.rows }, (_, row) => [...features!.data.slice(row * size, (row + 1) * size), label!.data[row]!]);
    });
    expect(found.map(String).sort()).toEqual(windows.map(String).sort());
  }
});
