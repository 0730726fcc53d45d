import { PerennialError } from '../../core/errors.ts';
import { Prng } from '../../core/prng.ts';
import type { OutputSpec, Tensor, TensorBatch } from '../../core/tensor.ts';

export type BalanceConfig = 'oversample' | 'undersample' | { readonly smote: { readonly k?: number } };

/** @throws CONFIG_INVALID where the label has no classes */
export function checkBalanced(output: OutputSpec): void {
  if (output.kind !== 'classes') throw new PerennialError('CONFIG_INVALID', 'balance: only classes can be balanced; this label is no class.', { hint: 'Remove "balance" from the preprocess step.' });
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
  return Object.fromEntries(Object.entries(batch).map(([name, tensor]) => {
    const width = tensor.rows === 0 ? 0 : tensor.data.length / tensor.rows;
    const data = new (tensor.data.constructor as Float32ArrayConstructor)(total * width);
    let at = 0;
    counts.forEach((count, row) => {
      for (let copy = 0; copy < count; copy += 1, at += 1) data.set(tensor.data.subarray(row * width, (row + 1) * width), at * width);
    });
    return [name, { ...tensor, rows: total, data } satisfies Tensor];
  }));
}

/** The `k` nearest rows of each row by Euclidean distance, itself left out. */
function neighbours(values: Float32Array, width: number, k: number): Int32Array[] {
  const rows = values.length / width;
  return Array.from({ length: rows }, (_, row) => {
    const distances = Array.from({ length: rows }, (__, other) => {
      let sum = 0;
      for (let at = 0; at < width; at += 1) sum += (values[row * width + at]! - values[other * width + at]!) ** 2;
      return { other, sum };
    });
    return Int32Array.from(distances.filter(({ other }) => other !== row).sort((a, b) => a.sum - b.sum || a.other - b.other).slice(0, k), ({ other }) => other);
  });
}

/**
 * Synthetic rows of one class, each between a row and one of its `k` nearest neighbours of the same class.
 *
 * @param values row-major [rows, width]
 * @throws DATA_INVALID for a class of one row
 * @see Chawla et al. (2002), SMOTE: Synthetic Minority Over-sampling Technique
 */
export function smote(values: Float32Array, width: number, count: number, k: number, name: string, seed: number): Float32Array {
  const rows = values.length / width;
  if (count > 0 && rows < 2) throw new PerennialError('DATA_INVALID', `balance: the class "${name}" has ${rows} row in the train split; SMOTE needs at least two to draw between.`, { hint: 'Use "balance": "oversample", or more rows of this class.' });
  const near = count > 0 ? neighbours(values, width, Math.min(k, rows - 1)) : [];
  const random = new Prng('smote', name, seed);
  const made = new Float32Array(count * width);
  for (let row = 0; row < count; row += 1) {
    const from = random.below(rows);
    const to = near[from]![random.below(near[from]!.length)]!;
    const share = random.uniform();
    for (let at = 0; at < width; at += 1) made[row * width + at] = values[from * width + at]! + share * (values[to * width + at]! - values[from * width + at]!);
  }
  return made;
}
