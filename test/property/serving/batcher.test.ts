import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TensorBatch } from '../../../src/core/tensor.ts';
import { Batcher } from '../../../src/serving/batcher.ts';
import type { ModelMeta, Predictor } from '../../../src/training/model/model-meta.ts';

const spec = { name: 'x', shape: [], dtype: 'int32' } as const;
const POISON = 999;

/** Doubles every value; fails for a batch that holds poison. */
const doubling: Predictor = {
  meta: { outputShape: [2] } as unknown as ModelMeta,
  async predict({ x }) {
    await new Promise((resolve) => setImmediate(resolve));
    if (x!.data.includes(POISON)) throw new Error('poison');
    return Float32Array.from({ length: x!.rows * 2 }, (_, index) => x!.data[index >> 1]! * (index % 2 === 0 ? 1 : 2));
  },
  dispose() {},
};

function batchOf(values: readonly number[]): TensorBatch {
  return { x: { spec, rows: values.length, data: Int32Array.from(values) } };
}

it('gives every request its own values, however requests and batches overlap', async () => {
  const request = fc.record({
    values: fc.array(fc.oneof({ weight: 20, arbitrary: fc.nat(500) }, { weight: 1, arbitrary: fc.constant(POISON) }), { maxLength: 12 }),
    turns: fc.nat(4),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 8 }), async (requests, batchRowsMax) => {
      const batcher = new Batcher(doubling, { batchRowsMax, queueRowsMax: 10_000 });
      await Promise.all(
        requests.map(async ({ values, turns }) => {
          for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
          const answer = await Promise.resolve(batcher.predict(batchOf(values))).then(
            (output) => [...output],
            (error: Error) => error.message,
          );
          expect(answer).toEqual(values.includes(POISON) ? 'poison' : values.flatMap((value) => [value, value * 2]));
        }),
      );
      expect(batcher.waitingRows).toBe(0);
    }),
    { numRuns: 200, seed: 11 },
  );
});
