import { describe, expect, it } from 'vitest';
import type { TensorBatch } from '../../../src/core/tensor.ts';
import { Batcher } from '../../../src/serving/batcher.ts';
import type { ModelMeta, Predictor } from '../../../src/training/model/model-meta.ts';

const spec = { name: 'x', shape: [2], dtype: 'float32' } as const;

function batchOf(...rows: [number, number][]): TensorBatch {
  return { x: { spec, rows: rows.length, data: Float32Array.from(rows.flat()) } };
}

/** Sums the two features of a row; 13 is poison. */
function summing(calls: number[]): Predictor {
  return {
    meta: { outputShape: [1] } as unknown as ModelMeta,
    async predict(batch) {
      const { rows, data } = batch.x!;
      calls.push(rows);
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (data.includes(13)) throw new Error('poison');
      return Float32Array.from({ length: rows }, (_, row) => data[row * 2]! + data[row * 2 + 1]!);
    },
    dispose() {},
  };
}

describe('the batcher', () => {
  it('joins what arrives together, and gives each its own values', async () => {
    const calls: number[] = [];
    const batcher = new Batcher(summing(calls), { batchRowsMax: 8, queueRowsMax: 100 });
    const answers = await Promise.all([
      batcher.predict(batchOf([1, 2])),
      batcher.predict(batchOf([3, 4], [5, 6])),
      batcher.predict(batchOf([7, 8])),
    ]);
    expect(answers.map((values) => [...values])).toEqual([[3], [7, 11], [15]]);
    expect(calls).toEqual([4]);
  });

  it('answers at once where the network does, nobody waits, and the rows are no more than a batch', async () => {
    const calls: number[] = [];
    const counted: number[] = [];
    let isQuick = true;
    const batcher = new Batcher(
      { ...summing(calls), predictNow: ({ x }) => (isQuick ? Float32Array.from({ length: x!.rows }, () => 7) : undefined) },
      { batchRowsMax: 2, queueRowsMax: 100, onBatch: (rows) => counted.push(rows) },
    );
    expect(batcher.predict(batchOf([1, 2], [3, 4]))).toEqual(Float32Array.of(7, 7));
    const many = batcher.predict(batchOf([1, 2], [3, 4], [5, 6]));
    // Behind those who wait already.
    const behind = batcher.predict(batchOf([1, 1]));
    expect([...(await many), ...(await behind)]).toEqual([3, 7, 11, 2]);
    isQuick = false;
    expect([...(await batcher.predict(batchOf([2, 2])))]).toEqual([4]);
    expect([counted, calls]).toEqual([
      [2, 2, 2, 1],
      [2, 2, 1],
    ]);
  });

  it('cuts what is larger than a batch and puts it together again', async () => {
    const calls: number[] = [];
    const batcher = new Batcher(summing(calls), { batchRowsMax: 4, queueRowsMax: 100 });
    const long = Array.from({ length: 10 }, (_, index): [number, number] => [index, 100]);
    const [first, second] = await Promise.all([batcher.predict(batchOf(...long)), batcher.predict(batchOf([1, 1]))]);
    expect([...first]).toEqual(long.map(([value]) => value + 100));
    expect([...second]).toEqual([2]);
    expect(calls).toEqual([4, 4, 3]);
    expect(batcher.waitingRows).toBe(0);
  });

  it('fails the request that makes its batch fail, and no other', async () => {
    const batcher = new Batcher(summing([]), { batchRowsMax: 8, queueRowsMax: 100 });
    const results = await Promise.allSettled([
      batcher.predict(batchOf([1, 2])),
      batcher.predict(batchOf([13, 0])),
      batcher.predict(batchOf([3, 4])),
    ]);
    expect(results.map((result) => (result.status === 'fulfilled' ? [...result.value] : String(result.reason)))).toEqual([
      [3],
      'Error: poison',
      [7],
    ]);
    expect(batcher.waitingRows).toBe(0);
    expect([...(await batcher.predict(batchOf([9, 9])))]).toEqual([18]);
  });

  it('refuses when too much waits, but takes one large request when it is idle', async () => {
    const batcher = new Batcher(summing([]), { batchRowsMax: 2, queueRowsMax: 3 });
    const large = batcher.predict(batchOf([1, 1], [2, 2], [3, 3], [4, 4], [5, 5]));
    await expect(batcher.predict(batchOf([6, 6]))).rejects.toMatchObject({ status: 503, facts: { retryAfter: 1 } });
    expect([...(await large)]).toEqual([2, 4, 6, 8, 10]);
    expect([...(await batcher.predict(batchOf([6, 6])))]).toEqual([12]);
  });

  it('refuses what the network does not come to in time, and only that', async () => {
    const slow: Predictor = {
      ...summing([]),
      async predict(batch) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        return summing([]).predict(batch);
      },
    };
    const batcher = new Batcher(slow, { batchRowsMax: 2, queueRowsMax: 100, waitMsMax: 10_000 });
    const results = await Promise.allSettled([
      batcher.predict(batchOf([1, 1], [2, 2]), 20),
      batcher.predict(batchOf([3, 3]), 20),
      batcher.predict(batchOf([4, 4])),
    ]);
    expect(results.map((result) => (result.status === 'fulfilled' ? [...result.value] : String(result.reason)))).toEqual([
      [2, 4],
      'RequestError: The server is busy: the request waited longer than 20 ms. Try again in a second.',
      [8],
    ]);
    expect(batcher.waitingRows).toBe(0);
  });

  it('reports a network that gives the wrong number of values', async () => {
    const broken: Predictor = { ...summing([]), predict: async () => new Float32Array(5) };
    const batcher = new Batcher(broken, { batchRowsMax: 8, queueRowsMax: 100 });
    await expect(batcher.predict(batchOf([1, 2]))).rejects.toThrow('gave 5 values for 1 rows of 1');
  });
});
