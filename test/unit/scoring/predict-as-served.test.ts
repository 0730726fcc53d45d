import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TensorBatch } from '../../../src/core/tensor.ts';
import { predictAsServed, singleRows } from '../../../src/scoring/predict-as-served.ts';
import type { Predictor } from '../../../src/training/model/model-meta.ts';

const spec = { name: 'x', shape: [1], dtype: 'float32' } as const;
const batchOf = (values: readonly number[]): TensorBatch => ({ x: { spec, rows: values.length, data: Float32Array.from(values) } });

/** Says of each row whether it was among the few at the end of its call, as the graph for one row would. */
const twoGraphs: Pick<Predictor, 'predict'> = {
  async predict({ x }) {
    const { rows, data } = x!;
    return data.map((value, at) => {
      const last = rows % 64;
      return last <= 3 && at >= rows - last ? -value - 1 : value;
    }) as Float32Array;
  },
};

it('asks the same graph about each row as requests of a thousand rows do, however the rows are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3_100 }), fc.integer({ min: 1, max: 700 }), async (rows, cut) => {
      const all = Array.from({ length: rows }, (_, row) => row);
      const expected: number[] = [];
      for (let start = 0; start < rows; start += 1_000)
        expected.push(...(await twoGraphs.predict(batchOf(all.slice(start, start + 1_000)))));
      const isSingle = singleRows(rows, 1);
      const found: number[] = [];
      for (let start = 0; start < rows; start += cut) {
        const some = all.slice(start, start + cut);
        found.push(...(await predictAsServed(twoGraphs as Predictor, batchOf(some), some.length, (at) => isSingle(start + at))));
      }
      expect(found).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});
