import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { OpenArtifact } from '../../../src/core/ports.ts';
import type { TensorBatch, TensorSpec } from '../../../src/core/tensor.ts';
import { Prng } from '../../../src/core/prng.ts';
import { repeatRows, repeats, smote, smoteRows } from '../../../src/data/preprocess/balance.ts';
import { ShardWriter, openExamples, shardFile } from '../../../src/data/stored/examples.ts';
import { QuantileSketch } from '../../../src/data/table/quantiles.ts';
import type { ExamplesMeta } from '../../../src/data/stored/dataset.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'perennial-examples-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const NAME = '../größe/*';
const specs: TensorSpec[] = [
  { name: NAME, shape: [2, 2], dtype: 'float32' },
  { name: 'pixel', shape: [3], dtype: 'uint8' },
  { name: '@label', shape: [1], dtype: 'int32' },
];

function batch(start: number, rows: number): TensorBatch {
  const fill = <T extends Float32Array | Int32Array | Uint8Array>(data: T, width: number): T => {
    for (let at = 0; at < data.length; at += 1) data[at] = start * width + at;
    return data;
  };
  return {
    [NAME]: { spec: specs[0]!, rows, data: fill(new Float32Array(rows * 4), 4) },
    pixel: { spec: specs[1]!, rows, data: fill(new Uint8Array(rows * 3), 3) },
    '@label': { spec: specs[2]!, rows, data: fill(new Int32Array(rows), 1) },
  };
}

async function write(): Promise<OpenArtifact> {
  // 16 bytes per row of the widest tensor: shards of 5 rows.
  const writer = new ShardWriter(dir, 'train', specs, 80);
  for (const [start, rows] of [
    [0, 3],
    [3, 9],
    [12, 1],
    [13, 4],
  ] as const)
    await writer.write(batch(start, rows));
  await writer.close();
  expect(writer.shards.map((shard) => shard.rows)).toEqual([5, 5, 5, 2]);
  const meta: ExamplesMeta = {
    inputs: specs.slice(0, 2),
    output: { kind: 'classes', name: 'y', classes: ['a'] },
    dataset: '',
    splits: { train: { rows: writer.rows, shards: writer.shards }, validation: { rows: 0, shards: [] }, test: { rows: 0, shards: [] } },
  };
  return { manifest: { kind: 'examples', meta }, path: async (file: string) => join(dir, file) } as unknown as OpenArtifact;
}

test('shards hold any tensor name inside their folder, and read back over their borders', async () => {
  const examples = await openExamples(await write());
  expect(await readdir(dir)).toEqual(['train']);
  expect(shardFile('train', NAME, 3)).toMatch(/^train\/[A-Za-z0-9=@_-]+-00003\.bin$/);
  expect(await readdir(join(dir, 'train'))).toHaveLength(12);
  const reader = examples.reader('train');
  expect(reader.rows).toBe(17);
  expect(reader.read(0, 17)).toEqual(batch(0, 17));
  expect(reader.read(4, 7)).toEqual(batch(4, 7));
  const gathered = reader.gather(Int32Array.of(16, 0, 5, 5));
  expect(Array.from(gathered['@label']!.data)).toEqual([16, 0, 5, 5]);
  expect(Array.from(gathered.pixel!.data.slice(0, 3))).toEqual([48, 49, 50]);
  expect(() => reader.gather(Int32Array.of(17))).toThrow(RangeError);
  expect(() => reader.read(10, 8)).toThrow(RangeError);
  expect(examples.reader('test').read(0, 0)['@label']!.rows).toBe(0);
  reader.close();
});

test('a shard that was cut short is refused', async () => {
  const artifact = await write();
  const file = join(dir, shardFile('train', 'pixel', 1));
  await truncate(file, (await readFile(file)).length - 1);
  const reader = (await openExamples(artifact)).reader('train');
  expect(() => reader.read(0, 17)).toThrow(/another size/);
});

test('a quantile of more values than are kept is that of a fair sample, and the same for one seed', () => {
  const estimate = (seed: number) => {
    const sketch = new QuantileSketch(seed, 2_000);
    for (let value = 0; value < 50_000; value += 1) sketch.add(value);
    return sketch.quantiles([0.5])[0]!;
  };
  expect(estimate(1)).toBe(estimate(1));
  expect(estimate(1)).not.toBe(estimate(2));
  expect(Math.abs(estimate(1) - 25_000)).toBeLessThan(2_500);
});

test('oversampling keeps every row, undersampling repeats none', () => {
  const labels = Int32Array.from({ length: 50 }, (_, row) => (row % 10 === 0 ? 0 : 1));
  const over = repeats(labels, 2, 'oversample', 1);
  expect(Math.min(...over)).toBe(1);
  expect(over.reduce((sum, count, row) => sum + (labels[row] === 0 ? count : 0), 0)).toBe(45);
  const under = repeats(labels, 2, 'undersample', 1);
  expect(Math.max(...under)).toBe(1);
  expect(under.reduce((sum, count) => sum + count, 0)).toBe(10);
  expect(Array.from(repeatRows(batch(0, 3), Int32Array.of(2, 0, 1))['@label']!.data)).toEqual([0, 0, 2]);
});

async function synthetic(
  values: Float32Array,
  width: number,
  count: number,
  k: number,
  name: string,
  threads?: number,
): Promise<Float32Array> {
  const real = smoteRows(values.length / width, width, k, name);
  real.values.set(values);
  const batches: number[] = [];
  for await (const batch of smote(real, count, name, 1, { threads })) batches.push(...batch);
  return Float32Array.from(batches);
}

test('SMOTE draws between a row and one of its nearest neighbours of the class', async () => {
  // Two far groups of three: no synthetic row may lie between the groups.
  const values = Float32Array.of(0, 0, 1, 0, 0, 1, 100, 100, 101, 100, 100, 101);
  const made = await synthetic(values, 2, 200, 2, 'few');
  for (let row = 0; row < 200; row += 1) {
    const [x, y] = [made[2 * row]! % 100, made[2 * row + 1]! % 100];
    expect(made[2 * row]! < 50).toBe(made[2 * row + 1]! < 50);
    expect(x >= 0 && y >= 0 && x + y <= 1 + 1e-4).toBe(true);
  }
  expect(() => smoteRows(1, 2, 5, 'one')).toThrow(/at least two/);
});

test('SMOTE: a seed gives the rows that it always gave, whatever the number of threads', async () => {
  const random = new Prng('rows', 1);
  const values = Float32Array.from({ length: 400 * 3 }, () => random.below(50) / 8);
  const rows = await synthetic(values, 3, 10_000, 5, 'few');
  expect(createHash('sha256').update(new Uint8Array(rows.buffer)).digest('hex')).toBe(
    '2fd0f6ece699681c137fe462e5d6e96002420e8b687bf11a00ffcab8665ef43f',
  );
  for (const threads of [1, 2, 3]) expect(await synthetic(values, 3, 10_000, 5, 'few', threads)).toEqual(rows);
});
