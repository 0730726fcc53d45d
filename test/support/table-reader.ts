import type { TensorBatch } from '../../src/core/tensor.ts';
import type { ExamplesReader } from '../../src/data/stored/examples.ts';

/** A reader of rows that are all in memory. */
export function tableReader(batch: TensorBatch): ExamplesReader {
  const { rows } = Object.values(batch)[0]!;
  const gather = (indices: Int32Array): TensorBatch =>
    Object.fromEntries(
      Object.entries(batch).map(([name, { spec, data }]) => {
        const width = data.length / rows;
        const picked = data.slice(0, indices.length * width);
        indices.forEach((row, at) => picked.set(data.subarray(row * width, (row + 1) * width), at * width));
        return [name, { spec, rows: indices.length, data: picked }];
      }),
    );
  const inMemory = (): never => {
    throw new Error('all rows are in memory');
  };
  return {
    rows,
    rowBytes: 4,
    fits: true,
    gather,
    read: (start, count) => gather(Int32Array.from({ length: count }, (_, index) => start + index)),
    load: inMemory,
    gatherLoaded: inMemory,
    close() {},
  };
}
