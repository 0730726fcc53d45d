import { PerennialError } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { checkBalanced, repeatRows, repeats, smote } from './balance.ts';
import type { BalanceConfig } from './balance.ts';
import { columnBatches, datasetMeta } from '../dataset-rows.ts';
import { LABEL } from '../examples.ts';
import type { ShardWriter } from '../examples.ts';
import { labelTensors } from '../label.ts';
import { FEATURES } from '../preprocessor.ts';
import { splitTensors } from './split-tensors.ts';
import type { SplitSource } from './split-tensors.ts';

async function trainLabels({ db, dataset, fitted }: SplitSource): Promise<Int32Array> {
  const meta = datasetMeta(dataset);
  const column = meta.columns.find((item) => item.name === meta.label);
  checkBalanced(fitted.output);
  const labels = new Int32Array(meta.rows.train);
  for await (const { firstRow, columns } of columnBatches(db, dataset, 'train', [column!.name])) labels.set(labelTensors(columns, meta.columns, fitted.output)[LABEL]!.data, firstRow);
  return labels;
}

/** SMOTE draws between rows: that has a meaning for quantities, and none for 0/1 columns, tokens or pixels. */
function checkNumeric({ fitted }: SplitSource): void {
  if (fitted.weight !== undefined) throw new PerennialError('CONFIG_INVALID', 'balance: synthetic rows of SMOTE have no weight.', { hint: 'Use "balance": "oversample", or leave "weight" out.' });
  const odd = fitted.columns.find((column) => column.spec.name !== FEATURES || column.spec.shape[0] !== 1 || (column.type !== 'number' && column.type !== 'integer'));
  if (odd !== undefined) throw new PerennialError('CONFIG_INVALID', `balance: SMOTE needs numeric features only; "${odd.name}" is none (${odd.type}).`, { hint: 'Use "balance": "oversample", or leave that column out.' });
}

/** Writes the train split with its classes in balance; validation and test stay as they are. */
export async function writeTrain(source: SplitSource, balance: BalanceConfig, writer: ShardWriter, report: (rows: number) => void): Promise<void> {
  const labels = await trainLabels(source);
  const classes = source.fitted.output.kind === 'classes' ? source.fitted.output.classes : [];
  if (typeof balance === 'string') {
    const counts = repeats(labels, classes.length, balance, source.seed);
    let row = 0;
    for await (const batch of splitTensors(source, 'train')) {
      const { rows } = batch[LABEL]!;
      await writer.write(repeatRows(batch, counts.subarray(row, row + rows)));
      row += rows;
      report(rows);
    }
    return;
  }
  checkNumeric(source);
  const sizes = classes.map((_, index) => labels.reduce((sum, label) => sum + (label === index ? 1 : 0), 0));
  const majority = Math.max(...sizes);
  const kept = new Map(classes.flatMap((_, index) => (sizes[index]! < majority ? [[index, [] as number[]]] : [])));
  let features: Tensor | undefined;
  for await (const batch of splitTensors(source, 'train')) {
    features = batch[FEATURES]!;
    const width = features.spec.shape[0]!;
    batch[LABEL]!.data.forEach((label, row) => kept.get(label)?.push(...features!.data.subarray(row * width, (row + 1) * width)));
    await writer.write(batch);
    report(batch[LABEL]!.rows);
  }
  for (const [index, values] of kept) {
    const count = majority - sizes[index]!;
    const width = features!.spec.shape[0]!;
    const data = smote(Float32Array.from(values), width, count, balance.smote.k ?? 5, classes[index]!, source.seed);
    await writer.write({
      [FEATURES]: { spec: features!.spec, rows: count, data },
      [LABEL]: { spec: { name: LABEL, shape: [1], dtype: 'int32' }, rows: count, data: new Int32Array(count).fill(index) },
    });
  }
}
