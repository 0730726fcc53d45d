import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { OpenArtifact } from '../../../src/core/ports.ts';
import type { TensorSpec } from '../../../src/core/tensor.ts';
import { ShardWriter, openExamples, shardFile } from '../../../src/data/stored/examples.ts';
import type { ExamplesReader } from '../../../src/data/stored/examples.ts';
import type { ExamplesMeta } from '../../../src/data/stored/dataset.ts';
import { BatchSource } from '../../../src/training/trainer/batch-source.ts';
import { epochOrder } from '../../../src/training/trainer/epoch-order.ts';

const ROWS = 1_003;
const ROW_BYTES = 3 * 4 + 2 + 4;
const specs: TensorSpec[] = [
  { name: 'x', shape: [3], dtype: 'float32' },
  { name: 'image', shape: [1, 2, 1], dtype: 'uint8' },
  { name: '@label', shape: [1], dtype: 'int32' },
];
const dir = mkdtempSync(join(tmpdir(), 'perennial-source-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const artifact = await (async (): Promise<OpenArtifact> => {
  const writer = new ShardWriter(dir, 'train', specs, 97 * 12);
  await writer.write({
    x: { spec: specs[0]!, rows: ROWS, data: Float32Array.from({ length: 3 * ROWS }, (_, at) => at) },
    image: { spec: specs[1]!, rows: ROWS, data: Uint8Array.from({ length: 2 * ROWS }, (_, at) => at) },
    '@label': { spec: specs[2]!, rows: ROWS, data: Int32Array.from({ length: ROWS }, (_, at) => at) },
  });
  await writer.close();
  const meta: ExamplesMeta = {
    inputs: specs.slice(0, 2),
    output: { kind: 'classes', name: 'y', classes: ['a'] },
    dataset: '',
    splits: { train: { rows: ROWS, shards: writer.shards }, validation: { rows: 0, shards: [] }, test: { rows: 0, shards: [] } },
  };
  return { manifest: { kind: 'examples', meta }, path: async (file: string) => join(dir, file) } as unknown as OpenArtifact;
})();

const readerOf = async (memoryBytes?: number): Promise<ExamplesReader> =>
  (await openExamples(artifact, ['train'], memoryBytes)).reader('train');
const SMALL = { blockBytes: 7 * ROW_BYTES, windowBytes: 120 * ROW_BYTES };

async function labelsOf(
  reader: ExamplesReader,
  settings: { batchSize: number; shuffle?: boolean; from?: number; call?: number; epochs?: number },
): Promise<number[][]> {
  const { batchSize, shuffle = true, from = 0, call = 3, epochs = 2 } = settings;
  const source = new BatchSource(reader, { batchSize, seed: 5, shuffle, epochs, ...SMALL });
  const perEpoch = Math.ceil(ROWS / batchSize);
  const batches: number[][] = [];
  for (let at = from; at < epochs * perEpoch;) {
    const count = Math.min(call, perEpoch - (at % perEpoch));
    await source.ready(at, count);
    for (let index = at; index < at + count; index++) {
      const { x, image, '@label': label } = source.batch(index);
      const rows = [...label!.data];
      expect([...x!.data]).toEqual(rows.flatMap((row) => [3 * row, 3 * row + 1, 3 * row + 2]));
      expect([...image!.data]).toEqual(rows.flatMap((row) => [(2 * row) & 255, (2 * row + 1) & 255]));
      batches.push(rows);
    }
    at += count;
  }
  await source.close();
  return batches;
}

describe('batches', () => {
  test.each([
    [8, 1],
    [8, 5],
    [130, 2],
    [400, 1],
    [2_000, 3],
  ])('of %i rows, %i a call, are the same whether the rows fit into memory or not', async (batchSize, call) => {
    const inMemory = await labelsOf(await readerOf(), { batchSize, call });
    const streamed = await labelsOf(await readerOf(ROW_BYTES * 10), { batchSize, call });
    expect(streamed).toEqual(inMemory);
    const perEpoch = inMemory.length / 2;
    for (const epoch of [0, 1])
      expect(
        inMemory
          .slice(epoch * perEpoch, (epoch + 1) * perEpoch)
          .flat()
          .sort((a, b) => a - b),
      ).toEqual(Array.from({ length: ROWS }, (_, row) => row));
    expect(inMemory.slice(0, perEpoch)).not.toEqual(inMemory.slice(perEpoch));
  });

  test('go on from anywhere', async () => {
    const whole = await labelsOf(await readerOf(0), { batchSize: 16 });
    for (const from of [1, 17, 62, 63, 100]) expect(await labelsOf(await readerOf(0), { batchSize: 16, from })).toEqual(whole.slice(from));
  });

  test('come in the order of the data where they are not shuffled', async () => {
    expect((await labelsOf(await readerOf(0), { batchSize: 50, shuffle: false, epochs: 1 })).flat()).toEqual(
      Array.from({ length: ROWS }, (_, row) => row),
    );
  });
});

test('two windows are in memory, and their memory is used again', async () => {
  const reader = await readerOf(0);
  const made = new Set<Uint8Array>();
  let held = 0;
  const counting: ExamplesReader = {
    ...reader,
    load: async (ranges, reused) => {
      held++;
      const loaded = await reader.load(ranges, reused);
      made.add(loaded.memory[0]!);
      return loaded;
    },
  };
  await labelsOf(counting, { batchSize: 8 });
  expect(held).toBeGreaterThan(16);
  // The last window of an epoch is smaller than the others.
  expect(made.size).toBeLessThanOrEqual(4);
});

test('a file that cannot be read is said so when its rows are needed, and close still returns', async () => {
  const reader = await readerOf(0);
  const source = new BatchSource(
    {
      ...reader,
      load: async () => {
        throw new Error('gone');
      },
    },
    { batchSize: 8, seed: 1, shuffle: true, epochs: 1, ...SMALL },
  );
  await expect(source.ready(0, 1)).rejects.toThrow('gone');
  await source.close();
  const copy = mkdtempSync(join(tmpdir(), 'perennial-source-'));
  try {
    const { cpSync } = await import('node:fs');
    cpSync(dir, copy, { recursive: true });
    truncateSync(join(copy, shardFile('train', 'x', 2)), 5);
    const torn = (await openExamples({ ...artifact, path: async (file: string) => join(copy, file) }, ['train'], 0)).reader('train');
    const reading = new BatchSource(torn, { batchSize: 1_003, seed: 1, shuffle: true, epochs: 1, ...SMALL });
    await expect(reading.ready(0, 1)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    await reading.close();
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

test('rows of large data are mixed: a window holds blocks from everywhere, and its rows are in no order', () => {
  const { order, windows } = epochOrder(
    { rows: 100_000, rowBytes: 1_000, seed: 1, shuffle: true, blockBytes: 10_000, windowBytes: 20_000_000 },
    0,
  );
  expect(windows.length).toBe(5);
  const first = order.subarray(0, windows[0]!.end);
  const tenths = new Array<number>(10).fill(0);
  for (const row of first) tenths[Math.floor(row / 10_000)]!++;
  for (const count of tenths) expect(Math.abs(count / first.length - 0.1)).toBeLessThan(0.03);
  let neighbours = 0;
  for (let at = 1; at < first.length; at++) if (Math.abs(first[at]! - first[at - 1]!) === 1) neighbours++;
  expect(neighbours / first.length).toBeLessThan(0.01);
});
