import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TensorBatch } from '../../../src/core/tensor.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import { openExamples } from '../../../src/data/stored/examples.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import { fitPreprocessing } from '../../../src/data/preprocess/fit-preprocessing.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import { splitTensors } from '../../../src/data/preprocess/split-tensors.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { createBench } from '../../unit/data/support.ts';
import type { Bench } from '../../unit/data/support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

/** A column of the table, and the transforms of it. */
const column = fc.oneof(
  fc.constantFrom(
    { kind: 'number', transforms: [{ impute: 'median' }, 'standardize'] },
    { kind: 'number', transforms: [{ impute: { strategy: 'median', indicator: true } }] },
    { kind: 'few', transforms: [{ impute: { strategy: 'mostFrequent', indicator: true } }, 'oneHot'] },
  ),
  fc.record({
    kind: fc.constant('text'),
    categories: fc.constantFrom(1, 2, 5, 30, 254, 255, 256, 300),
    transforms: fc.constantFrom(['oneHot'], [{ impute: 'mostFrequent' }, 'oneHot'], [{ oneHot: { maximum: 20 } }]),
  }),
);

const bits = (data: ArrayBufferView): string => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');

test('features that are stored as codes are, read in any way, the bits that the transforms gave', async () => {
  let packed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(column, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 600, max: 900 }),
      fc.nat(),
      async (columns, rows, seed) => {
        const cell = (row: number, at: number): string => {
          const one = columns[at]!;
          // Not every category is in the train split, and some values are missing.
          const drawn = (((row + 7) * (2 * at + 31) * 2_654_435_761 + seed) >>> 7) % 100_003;
          if (drawn % 17 === 0) return '';
          return 'categories' in one ? `v${drawn % one.categories}` : String(one.kind === 'few' ? drawn % 9 : drawn / 7);
        };
        const head = [...columns.keys()].map((at) => `c${at}`).join(',');
        const body = Array.from({ length: rows }, (_, row) => `${[...columns.keys()].map((at) => cell(row, at)).join(',')},${row % 3}`);
        const path = await bench.file('packed.csv', `${head},y\n${body.join('\n')}\n`);
        const declared = Object.fromEntries(columns.map((one, at) => [`c${at}`, 'categories' in one ? 'string' : 'number'] as const));
        const dataset = (
          await ingest(bench.context(), { source: { format: 'csv', path }, label: 'y', columns: declared, split: { by: 'random' } })
        ).outputs.dataset!;
        const config = { features: Object.fromEntries(columns.map(({ transforms }, at) => [`c${at}`, transforms])) } as never;
        const examples = await openExamples(await bench.open((await preprocess(bench.context(), config, dataset)).outputs.examples));
        if (examples.meta.packed !== undefined) packed += 1;
        const opened = await bench.open(dataset);
        for (const split of SPLITS) {
          const given: TensorBatch[] = [];
          await withDatabase(async (db) => {
            const fitted = await fitPreprocessing(db, opened, config);
            for await (const tensors of splitTensors({ db, dataset: opened, fitted, seed: 1 }, split)) given.push(tensors);
          });
          const expected = Buffer.concat(given.map(({ features }) => Buffer.from(bits(features!.data), 'base64')));
          const count = given.reduce((sum, { features }) => sum + features!.rows, 0);
          const reader = examples.reader(split);
          const whole = reader.read(0, count).features!;
          expect(whole.spec).toEqual(given[0]!.features!.spec);
          expect(bits(whole.data) === expected.toString('base64')).toBe(true);
          const width = expected.length / count;
          const places = Int32Array.from({ length: 40 }, (_, at) => (at * 37) % count);
          const some = Buffer.concat(Array.from(places, (place) => expected.subarray(place * width, (place + 1) * width))).toString(
            'base64',
          );
          expect(bits(reader.gather(places).features!.data)).toBe(some);
          const loaded = await reader.load([{ start: 0, count }]);
          expect(bits(reader.gatherLoaded([{ loaded, places }]).features!.data)).toBe(some);
          reader.close();
        }
      },
    ),
    {
      numRuns: 12,
      seed: 20261130,
      examples: [
        [
          [
            { kind: 'text', categories: 300, transforms: ['oneHot'] },
            { kind: 'number', transforms: [{ impute: 'median' }, 'standardize'] },
            { kind: 'text', categories: 5, transforms: ['oneHot'] },
          ],
          800,
          1,
        ],
      ],
    },
  );
  expect(packed).toBeGreaterThan(3);
});
