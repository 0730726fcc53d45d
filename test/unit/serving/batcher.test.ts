import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TensorBatch } from '../../../src/core/tensor.ts';
import { Batcher, arrayFor, sizeOf } from '../../../src/serving/batcher.ts';
import { SERVING_LIMITS } from '../../../src/serving/limits.ts';
import { RequestError } from '../../../src/serving/request-error.ts';
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

  it('reports a network that gives the wrong number of values', async () => {
    const broken: Predictor = { ...summing([]), predict: async () => new Float32Array(5) };
    const batcher = new Batcher(broken, { batchRowsMax: 8, queueRowsMax: 100 });
    await expect(batcher.predict(batchOf([1, 2]))).rejects.toThrow('gave 5 values for 1 rows of 1');
  });

  it('answers nothing for no rows, without asking the network', async () => {
    const calls: number[] = [];
    const batcher = new Batcher(summing(calls), { batchRowsMax: 8, queueRowsMax: 100 });
    expect([...(await batcher.predict(batchOf()))]).toEqual([]);
    expect([...(await batcher.predict({}))]).toEqual([]);
    expect([calls, batcher.waitingRows]).toEqual([[], 0]);
  });

  it('takes as many rows as may wait, and not one more; tells the rows of every call', async () => {
    const told: number[] = [];
    const batcher = new Batcher(summing([]), { batchRowsMax: 8, queueRowsMax: 3, onBatch: (rows) => told.push(rows) });
    const taken = [batchOf([1, 1]), batchOf([2, 2], [3, 3])].map(async (batch) => batcher.predict(batch));
    expect(batcher.waitingRows).toBe(3);
    await expect(batcher.predict(batchOf([4, 4]))).rejects.toThrow('The server is busy: 3 rows wait already. Try again in a second.');
    expect((await Promise.all(taken)).map((values) => [...values])).toEqual([[2], [4, 6]]);
    expect([told, batcher.waitingRows]).toEqual([[3], 0]);
  });

  it('gives a request that is alone to the network as it came, and parts of it as they are', async () => {
    const seen: TensorBatch[] = [];
    const watching: Predictor = { ...summing([]), predict: (batch) => (seen.push(batch), summing([]).predict(batch)) };
    const batcher = new Batcher(watching, { batchRowsMax: 2, queueRowsMax: 100 });
    const alone = batchOf([1, 2]);
    await batcher.predict(alone);
    expect(seen.splice(0)[0]).toBe(alone);
    await batcher.predict(batchOf([1, 2], [3, 4], [5, 6]));
    expect(seen.map((batch) => [...batch['x']!.data])).toEqual([
      [1, 2, 3, 4],
      [5, 6],
    ]);
  });

  it('joins all inputs, of every type', async () => {
    const seen: TensorBatch[] = [];
    const watching: Predictor = {
      ...summing([]),
      predict: async (batch) => (seen.push(batch), new Float32Array(batch['ids']!.rows)),
    };
    const batcher = new Batcher(watching, { batchRowsMax: 8, queueRowsMax: 100 });
    const ids = { name: 'ids', shape: [], dtype: 'int32' } as const;
    const pixels = { name: 'pixels', shape: [1, 2], dtype: 'uint8' } as const;
    const of = (id: number): TensorBatch => ({
      ids: { spec: ids, rows: 1, data: Int32Array.of(id) },
      pixels: { spec: pixels, rows: 1, data: Uint8Array.of(id, 255) },
    });
    await Promise.all([batcher.predict(of(-7)), batcher.predict(of(9))]);
    expect(seen).toEqual([
      {
        ids: { spec: ids, rows: 2, data: Int32Array.of(-7, 9) },
        pixels: { spec: pixels, rows: 2, data: Uint8Array.of(249, 255, 9, 255) },
      },
    ]);
  });

  it('asks a network that is not there once, and one that refuses a request once for each', async () => {
    for (const [status, asked] of [
      [503, 1],
      [400, 4],
    ] as const) {
      let calls = 0;
      const refusing: Predictor = {
        ...summing([]),
        predict: async () => {
          calls += 1;
          throw new RequestError(status, 'No.');
        },
      };
      const batcher = new Batcher(refusing, { batchRowsMax: 8, queueRowsMax: 100 });
      const results = await Promise.allSettled([1, 2, 3].map(async (value) => batcher.predict(batchOf([value, 0]))));
      expect(results.map((result) => (result as PromiseRejectedResult).reason as unknown)).toEqual(
        Array(3).fill(expect.objectContaining({ status })),
      );
      expect([calls, batcher.waitingRows]).toEqual([asked, 0]);
    }
  });

  it('leaves the rest of a request that failed, and goes on with the others', async () => {
    const calls: number[] = [];
    const batcher = new Batcher(summing(calls), { batchRowsMax: 2, queueRowsMax: 100 });
    const results = await Promise.allSettled([
      batcher.predict(batchOf([1, 1], [2, 2], [13, 0], [3, 3], [4, 4], [5, 5])),
      batcher.predict(batchOf([6, 6])),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(calls).toEqual([2, 2, 1]);
    expect(batcher.waitingRows).toBe(0);
  });

  it('counts a request that failed once, also where more of it shares a batch with others', async () => {
    const batcher = new Batcher(summing([]), { batchRowsMax: 3, queueRowsMax: 100 });
    const results = await Promise.allSettled([
      batcher.predict(batchOf([1, 1])),
      batcher.predict(batchOf([13, 1], [2, 2], [3, 3])),
      batcher.predict(batchOf([4, 4])),
      batcher.predict(batchOf([5, 5], [6, 6])),
    ]);
    expect(results.map((result) => (result.status === 'fulfilled' ? [...result.value] : 'failed'))).toEqual([[2], 'failed', [8], [10, 12]]);
    expect(batcher.waitingRows).toBe(0);
  });
});

describe('several values of a row', () => {
  it('are put together again from the batches that they were cut into', async () => {
    const doubling: Predictor = {
      ...summing([]),
      meta: { outputShape: [2, 2] } as unknown as ModelMeta,
      predict: async (batch) =>
        Float32Array.from(batch['x']!.data).reduce(
          (out, value, at) => ((out[2 * at] = value), (out[2 * at + 1] = -value), out),
          new Float32Array(batch['x']!.data.length * 2),
        ),
    };
    const batcher = new Batcher(doubling, { batchRowsMax: 2, queueRowsMax: 100 });
    const [first, second] = await Promise.all([batcher.predict(batchOf([1, 2], [3, 4], [5, 6])), batcher.predict(batchOf([7, 8]))]);
    expect([...first]).toEqual([1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6]);
    expect([...second]).toEqual([7, -7, 8, -8]);
  });

  it('a request that fails takes none that waits with it', async () => {
    const batcher = new Batcher(summing([]), { batchRowsMax: 1, queueRowsMax: 100 });
    const results = await Promise.allSettled(
      [[13, 0] as const, [1, 1] as const, [2, 2] as const].map(async ([a, b]) => batcher.predict(batchOf([a, b]))),
    );
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });
});

describe('the patience of requests', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const quick = (ready: () => Promise<void> | undefined) => ({
    ...summing([]),
    ready,
    predict: async (batch: TensorBatch) => Float32Array.from({ length: batch['x']!.rows }, (_, row) => batch['x']!.data[row * 2]!),
  });

  it('ends while the network is away, after its time and not before', async () => {
    let back: () => void = () => {};
    const away = new Promise<void>((resolve) => (back = resolve));
    const batcher = new Batcher(
      quick(() => away),
      { batchRowsMax: 8, queueRowsMax: 100, waitMsMax: 4 * SERVING_LIMITS.patienceCheckMs },
    );
    const outcomes: string[] = [];
    const ask = (value: number, waitMs?: number): void =>
      void Promise.resolve(batcher.predict(batchOf([value, 0]), waitMs)).then(
        ([answer]) => outcomes.push(`answered ${answer}`),
        (error: RequestError) => outcomes.push(`${value}: ${error.status} ${JSON.stringify(error.facts)} ${error.message}`),
      );
    ask(1, SERVING_LIMITS.patienceCheckMs);
    ask(2);
    ask(3, 2 * SERVING_LIMITS.patienceCheckMs);
    await turns();
    vi.advanceTimersByTime(SERVING_LIMITS.patienceCheckMs);
    await turns();
    expect(outcomes).toEqual([]);
    vi.advanceTimersByTime(SERVING_LIMITS.patienceCheckMs);
    await turns();
    expect(outcomes).toEqual([
      `1: 503 {"retryAfter":1} The server is busy: the request waited longer than ${SERVING_LIMITS.patienceCheckMs} ms. Try again in a second.`,
    ]);
    expect(batcher.waitingRows).toBe(2);
    vi.advanceTimersByTime(SERVING_LIMITS.patienceCheckMs);
    await turns();
    expect(outcomes.slice(1)).toEqual([expect.stringMatching(/^3: 503/)]);
    back();
    await turns();
    expect(outcomes.slice(2)).toEqual(['answered 2']);
    expect([batcher.waitingRows, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('waits for all at most as long as the server says', async () => {
    const batcher = new Batcher(
      quick(() => undefined),
      { batchRowsMax: 8, queueRowsMax: 100, waitMsMax: 50 },
    );
    const outcome = async (waitMs: number | undefined, gone: number): Promise<string> => {
      const asked = Promise.resolve(batcher.predict(batchOf([1, 0]), waitMs)).then(
        () => 'answered',
        (error: Error) => error.message,
      );
      vi.advanceTimersByTime(gone);
      return asked;
    };
    expect(await outcome(undefined, 50)).toBe('answered');
    expect(await outcome(undefined, 51)).toContain('longer than 50 ms');
    expect(await outcome(1_000, 51)).toContain('longer than 50 ms');
    expect(await outcome(20, 20)).toBe('answered');
    expect(await outcome(20.4, 21)).toContain('longer than 20 ms');
    const endless = new Batcher(
      quick(() => undefined),
      { batchRowsMax: 8, queueRowsMax: 100 },
    );
    const asked = endless.predict(batchOf([1, 0]));
    vi.advanceTimersByTime(1e9);
    expect([...(await asked)]).toEqual([1]);
  });

  it('refuses what the network does not come to in time, and only that', async () => {
    const slow = quick(() => undefined);
    const batcher = new Batcher(
      { ...slow, predict: (batch) => (vi.advanceTimersByTime(60), slow.predict(batch)) },
      { batchRowsMax: 2, queueRowsMax: 100, waitMsMax: 10_000 },
    );
    const results = await Promise.allSettled([
      batcher.predict(batchOf([1, 1], [2, 2]), 20),
      batcher.predict(batchOf([3, 3]), 20),
      batcher.predict(batchOf([4, 4])),
    ]);
    expect(results.map((result) => (result.status === 'fulfilled' ? [...result.value] : String(result.reason)))).toEqual([
      [1, 2],
      'RequestError: The server is busy: the request waited longer than 20 ms. Try again in a second.',
      [4],
    ]);
    expect(batcher.waitingRows).toBe(0);
  });

  it('does not end for what the network has begun with', async () => {
    const slow = quick(() => undefined);
    const batcher = new Batcher(
      { ...slow, predict: (batch) => (vi.advanceTimersByTime(100), slow.predict(batch)) },
      { batchRowsMax: 1, queueRowsMax: 100 },
    );
    expect([...(await batcher.predict(batchOf([1, 0], [2, 0], [3, 0]), 50))]).toEqual([1, 2, 3]);
  });

  it('ends for all where the network does not come back, and begins anew with the next', async () => {
    let away = true;
    const batcher = new Batcher(
      quick(() => (away ? Promise.reject(new Error('it ended')) : undefined)),
      { batchRowsMax: 8, queueRowsMax: 100 },
    );
    const results = await Promise.allSettled([batcher.predict(batchOf([1, 0])), batcher.predict(batchOf([2, 0]))]);
    expect(results.map((result) => String((result as PromiseRejectedResult).reason))).toEqual(['Error: it ended', 'Error: it ended']);
    expect([batcher.waitingRows, vi.getTimerCount()]).toEqual([0, 0]);
    away = false;
    expect([...(await batcher.predict(batchOf([3, 0])))]).toEqual([3]);
  });
});

it('knows sizes and arrays of inputs', () => {
  expect(sizeOf({ name: 'x', shape: [2, 3], dtype: 'float32' })).toBe(6);
  expect(sizeOf({ name: 'x', shape: [], dtype: 'float32' })).toBe(1);
  expect((['float32', 'int32', 'uint8'] as const).map((dtype) => arrayFor({ name: 'x', shape: [], dtype }, 2))).toEqual([
    new Float32Array(2),
    new Int32Array(2),
    new Uint8Array(2),
  ]);
});
