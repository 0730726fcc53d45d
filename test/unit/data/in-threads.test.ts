import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { labelSpecs, openExamples } from '../../../src/data/stored/examples.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import { fitInThreads, writeInThreads } from '../../../src/data/preprocess/in-threads.ts';
import { fitPreprocessing } from '../../../src/data/preprocess/fit-preprocessing.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import { columnsToJson } from '../../../src/data/preprocess/preprocessor-json.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import { createBench } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

const ROWS = 3_000;
const FEATURES = {
  a: [{ impute: { strategy: 'median', indicator: true } }, 'standardize'],
  b: [{ clip: [-1, 1] }, 'minMax'],
  c: ['oneHot'],
  d: [{ impute: 'mostFrequent' }, { oneHot: { maximum: 3 } }],
  when: ['dateParts'],
} as const;

async function dataset() {
  const row = (k: number): string =>
    [
      k % 11 === 0 ? '' : ((k * 37) % 101) / 7,
      Math.sin(k).toFixed(5),
      `v${(k * k) % 5}`,
      k % 13 === 0 ? '' : `w${k % 7}`,
      `2024-0${1 + (k % 9)}-1${k % 10}T0${k % 10}:00:00Z`,
      k % 3 === 0 ? 'yes' : 'no',
    ].join(',');
  const path = await bench.file('threads.csv', `a,b,c,d,when,y\n${Array.from({ length: ROWS }, (_, k) => row(k)).join('\n')}\n`);
  const result = await ingest(bench.context(), { source: { format: 'csv', path }, label: 'y' });
  return result.outputs.dataset!;
}

test('threads learn and write what one thread does, also where shards are cut', async () => {
  const ref = await dataset();
  const opened = await bench.open(ref);
  const config = { features: FEATURES } as never;
  const made = await bench.open((await preprocess(bench.context(), config, ref)).outputs.examples);
  const fitted = await withDatabase((db) => fitPreprocessing(db, opened, config));
  const notes: string[] = [];
  const columns = await fitInThreads(
    opened,
    Object.entries(FEATURES).map(([column, specs]) => ({ column, specs: specs as never })),
    1,
    (note) => notes.push(note),
    undefined,
  );
  expect(columnsToJson(columns)).toEqual(columnsToJson(fitted.columns));

  const specs = [...fitted.preprocessor.inputs, ...labelSpecs(fitted.output)];
  const progress: number[] = [];
  const dir = join(bench.dir, 'threads');
  const written = await writeInThreads(opened, fitted, specs, dir, undefined, (_, fraction) => progress.push(fraction), 16 * 1_024);
  expect(progress.at(-1)).toBe(1);
  const examples = await openExamples(made);
  for (const split of SPLITS) {
    const { rows, shards } = written.splits[split];
    expect(rows).toBe(examples.meta.splits[split].rows);
    expect(shards.reduce((sum, shard) => sum + shard.rows, 0)).toBe(rows);
    for (const { name } of specs) {
      const prefix = `${split}/${name}-`;
      const own = Object.keys(written.files)
        .filter((file) => file.startsWith(prefix))
        .sort();
      expect(own).toHaveLength(shards.length);
      const bytes = Buffer.concat(await Promise.all(own.map((file) => readFile(written.files[file]!.path))));
      expect(bytes.equals(Buffer.from(await made.bytes(`${prefix}00000.bin`)))).toBe(true);
      for (const file of own)
        expect(written.files[file]!.digest).toBe(
          createHash('sha256')
            .update(await readFile(written.files[file]!.path))
            .digest('hex'),
        );
    }
  }
  expect(written.splits.train.shards.length).toBeGreaterThan(2);
});

test('what cannot be written is said with the row of the split, whichever thread met it', async () => {
  const opened = await bench.open(await dataset());
  const fitted = await withDatabase((db) => fitPreprocessing(db, opened, { features: { a: ['standardize'], b: ['standardize'] } }));
  const specs = [...fitted.preprocessor.inputs, ...labelSpecs(fitted.output)];
  const first = await preprocess(bench.context(), { features: { a: ['standardize'], b: ['standardize'] } }, opened.ref).catch(
    (error: Error) => error,
  );
  const writing = writeInThreads(opened, fitted, specs, join(bench.dir, 'failing'), undefined, () => undefined);
  await expect(writing).rejects.toMatchObject({
    code: 'DATA_INVALID',
    message: expect.stringMatching(/^row \d+, column "a": the value is missing/),
  });
  expect((first as Error).message).toMatch(/^row \d+, column "a": the value is missing/);
});
