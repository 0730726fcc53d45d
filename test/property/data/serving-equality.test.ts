import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Row } from '../../../src/core/tensor.ts';
import { readRows } from '../../../src/data/stored/dataset-rows.ts';
import { openExamples } from '../../../src/data/stored/examples.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import { createBench } from '../../unit/data/support.ts';
import type { Bench } from '../../unit/data/support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

const row = fc.record({
  y: fc.constantFrom('a', 'b'),
  n: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), { nil: null }),
  i: fc.option(fc.integer({ min: -1_000, max: 1_000 }), { nil: null }),
  b: fc.boolean(),
  c: fc.option(fc.constantFrom('rot', 'grün', 'null', '__proto__', ' ', '0'), { nil: null }),
  t: fc.option(
    fc.oneof(
      fc.constantFrom('今天很好', 'ラーメン2杯 ok', 'ฉันซื้อหนังสือ'),
      fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !text.includes('\0')),
    ),
    { nil: null },
  ),
  d: fc.date({ min: new Date('1990-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }).map((date) => date.toISOString()),
});

const features = {
  n: [{ impute: { indicator: true } }, 'quantile'],
  i: [{ impute: { strategy: 'mean', indicator: true } }, 'yeoJohnson'],
  b: [],
  c: [{ impute: { constant: '(missing)' } }, 'oneHot'],
  t: [{ impute: { constant: '' } }, 'lowercase', { tokenize: { vocabulary: 50, length: 6, padding: 'pre' } }],
  d: [{ dateParts: { parts: ['time', 'dayOfWeek'], cycles: ['year', 'hour'], scale: true } }],
} as const;

test('the preprocessor that travels with the model gives raw JSON rows the very tensors that were trained on', async () => {
  let file = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 12, maxLength: 40 }), async (random) => {
      // A few plain rows, so that every column has something to learn from in the train split.
      const plain = Array.from({ length: 12 }, (_, k) => ({
        y: k % 2 === 0 ? 'a' : 'b',
        n: k,
        i: k,
        b: k % 3 === 0,
        c: 'rot',
        t: `one two ${k}`,
        d: '2020-02-03T04:05:06.000Z',
      }));
      const path = await bench.file(`p${(file += 1)}.ndjson`, [...plain, ...random].map((item) => JSON.stringify(item)).join('\n'));
      const types = { n: 'number', i: 'integer', b: 'boolean', c: 'string', t: 'string', d: 'timestamp', y: 'string' } as const;
      const { outputs } = await ingest(bench.context(), {
        source: { format: 'ndjson', path },
        label: 'y',
        columns: types,
        split: { by: 'random', stratify: true },
      });
      // By hand, and as it is decided where the document says nothing.
      const made = await preprocess(bench.context(), file % 2 === 0 ? {} : { features: features as never }, outputs.dataset!);
      const examples = await openExamples(await bench.open(made.outputs.examples));
      const preprocessor = loadPreprocessor(JSON.parse(JSON.stringify(await examples.preprocessorJson())));
      const dataset = await bench.open(outputs.dataset);
      for (const split of SPLITS) {
        const rows: Row[] = [];
        for await (const batch of readRows(dataset, split)) rows.push(...(JSON.parse(JSON.stringify(batch)) as Row[]));
        const reader = examples.reader(split);
        expect(rows.length).toBe(reader.rows);
        const served = await preprocessor.apply(rows);
        const trained = reader.read(0, reader.rows);
        for (const { name } of preprocessor.inputs) expect(served[name]!.data).toEqual(trained[name]!.data);
        // Row by row as in a request of one row, and in any order.
        const order = Int32Array.from({ length: reader.rows }, (_, index) => reader.rows - 1 - index);
        const reversed = await preprocessor.apply([...rows].reverse());
        const gathered = reader.gather(order);
        for (const { name } of preprocessor.inputs) expect(reversed[name]!.data).toEqual(gathered[name]!.data);
        reader.close();
      }
    }),
    { numRuns: 8, seed: 20260101 },
  );
});
