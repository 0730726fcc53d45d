import type { TensorBatch } from '../../core/tensor.ts';

/** Random access to the rows of one split; the label is the tensor `@label`. */
export interface RowReader {
  readonly rows: number;
  read(start: number, count: number): TensorBatch;
  gather(indices: Int32Array): TensorBatch;
}
