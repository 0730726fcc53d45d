import { PerennialError } from '../../core/errors.ts';
import { Prng } from '../../core/prng.ts';
import type { OutputSpec, Tensor, TensorBatch } from '../../core/tensor.ts';
import { nearestRows } from '../neighbours/nearest-rows.ts';
import type { NearestRows, SearchOptions } from '../neighbours/nearest-rows.ts';

export type BalanceConfig = 'oversample' | 'undersample' | { readonly smote: { readonly k?: number } };

/** @throws CONFIG_INVALID where the label has no classes */
export function checkBalanced(output: OutputSpec): void {
  if (output.kind !== 'classes')
    throw new PerennialError('CONFIG_INVALID', 'balance: only classes can be balanced; this label is no class.', {
      hint: 'Remove "balance" from the preprocess step.',
    });
}

/** How often each train row is used. */
export function repeats(labels: Int32Array, classes: number, balance: 'oversample' | 'undersample', seed: number): Int32Array {
  const rowsOf: number[][] = Array.from({ length: classes }, () => []);
  labels.forEach((label, row) => rowsOf[label]!.push(row));
  const sizes = rowsOf.map((rows) => rows.length);
  const target = balance === 'oversample' ? Math.max(...sizes) : Math.min(...sizes);
  const counts = new Int32Array(labels.length);
  const random = new Prng('balance', balance, seed);
  for (const rows of rowsOf) {
    if (balance === 'undersample') {
      for (const row of random.shuffle([...rows]).slice(0, target)) counts[row] = 1;
      continue;
    }
    for (const row of rows) counts[row] = 1;
    for (let extra = rows.length; extra < target; extra += 1) counts[rows[random.below(rows.length)]!]! += 1;
  }
  return counts;
}

/** The rows of a batch, each as often as `counts` says. */
export function repeatRows(batch: TensorBatch, counts: Int32Array): TensorBatch {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Object.fromEntries(
    Object.entries(batch).map(([name, tensor]) => {
      const width = tensor.rows === 0 ? 0 : tensor.data.length / tensor.rows;
      const data = new (tensor.data.constructor as Float32ArrayConstructor)(total * width);
      let at = 0;
      counts.forEach((count, row) => {
        for (let copy = 0; copy < count; copy += 1, at += 1) data.set(tensor.data.subarray(row * width, (row + 1) * width), at * width);
      });
      return [name, { ...tensor, rows: total, data } satisfies Tensor];
    }),
  );
}

/** Synthetic rows that are made at once. */
const BATCH_ROWS = 8_192;

/** Room for the rows of one class that synthetic ones are drawn between. @throws DATA_INVALID for a class of one row; LIMIT_EXCEEDED */
export function smoteRows(rows: number, width: number, k: number, name: string): NearestRows {
  if (rows < 2)
    throw new PerennialError(
      'DATA_INVALID',
      `balance: the class "${name}" has ${rows} ${rows === 1 ? 'row' : 'rows'} in the train split; SMOTE needs at least two to draw between.`,
      { hint: 'Use "balance": "oversample", or more rows of this class.' },
    );
  return nearestRows(rows, width, Math.min(k, rows - 1), whatOf(name));
}

const whatOf = (name: string): string => `balance: SMOTE of the class "${name}"`;

/**
 * Synthetic rows of one class, each between a row and one of its `k` nearest neighbours of the same class, in batches. The same seed
 * gives the same rows, whatever the number of threads.
 *
 * @param real filled @param count of synthetic rows
 * @see Chawla et al. (2002), SMOTE: Synthetic Minority Over-sampling Technique
 */
export async function* smote(
  real: NearestRows,
  count: number,
  name: string,
  seed: number,
  options: Omit<SearchOptions, 'what'> = {},
): AsyncGenerator<Float32Array> {
  if (count === 0) return;
  const { values, rows, width, k } = real;
  const near = await real.find({ ...options, what: whatOf(name) });
  const random = new Prng('smote', name, seed);
  for (let start = 0; start < count; start += BATCH_ROWS) {
    const made = new Float32Array(Math.min(BATCH_ROWS, count - start) * width);
    for (let to = 0; to < made.length; to += width) {
      const row = random.below(rows);
      const from = row * width;
      const other = near[row * k + random.below(k)]! * width;
      const share = random.uniform();
      for (let at = 0; at < width; at += 1) made[to + at] = values[from + at]! + share * (values[other + at]! - values[from + at]!);
    }
    yield made;
  }
}
