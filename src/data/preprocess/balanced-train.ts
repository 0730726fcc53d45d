import { PerennialError } from '../../core/errors.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import { checkBalanced, repeatRows, repeats, smote, smoteRows } from './balance.ts';
import type { BalanceConfig } from './balance.ts';
import { columnBatches, datasetMeta } from '../stored/dataset-rows.ts';
import { LABEL } from '../stored/examples.ts';
import type { ShardWriter } from '../stored/examples.ts';
import { labelTensors } from './label.ts';
import type { NearestRows } from '../neighbours/nearest-rows.ts';
import { FEATURES } from './fitted-column.ts';
import { splitTensors } from './split-tensors.ts';
import type { SplitSource } from './split-tensors.ts';

async function trainLabels({ db, dataset, fitted }: SplitSource): Promise<Int32Array> {
  const meta = datasetMeta(dataset);
  const column = meta.columns.find((item) => item.name === meta.label);
  checkBalanced(fitted.output);
  const labels = new Int32Array(meta.rows.train);
  for await (const { firstRow, columns } of columnBatches(db, dataset, 'train', [column!.name]))
    labels.set(labelTensors(columns, meta.columns, fitted.output)[LABEL]!.data, firstRow);
  return labels;
}

/** SMOTE draws between rows: that has a meaning for quantities, and none for 0/1 columns, tokens or pixels. */
function checkNumeric({ fitted }: SplitSource): void {
  if (fitted.weight !== undefined)
    throw new PerennialError('CONFIG_INVALID', 'balance: synthetic rows of SMOTE have no weight.', {
      hint: 'Use "balance": "oversample", or leave "weight" out.',
    });
  const odd = fitted.columns.find(
    (column) => column.spec.name !== FEATURES || column.spec.shape[0] !== 1 || (column.type !== 'number' && column.type !== 'integer'),
  );
  if (odd !== undefined)
    throw new PerennialError('CONFIG_INVALID', `balance: SMOTE needs numeric features only; "${odd.name}" is none (${odd.type}).`, {
      hint: 'Use "balance": "oversample", or leave that column out.',
    });
}

/** How the step that balances is told to stop, and tells how far it is. */
export interface BalanceRun {
  readonly signal: AbortSignal;
  readonly report: (rows: number) => void;
  readonly progress: (message: string, fraction: number) => void;
}

/** Writes the train split with its classes in balance; validation and test stay as they are. */
export async function writeTrain(source: SplitSource, balance: BalanceConfig, writer: ShardWriter, run: BalanceRun): Promise<void> {
  const labels = await trainLabels(source);
  const classes = source.fitted.output.kind === 'classes' ? source.fitted.output.classes : [];
  if (typeof balance !== 'string') return writeSmote(source, balance.smote.k ?? 5, classes, labels, writer, run);
  const counts = repeats(labels, classes.length, balance, source.seed);
  let row = 0;
  for await (const batch of splitTensors(source, 'train')) {
    const { rows } = batch[LABEL]!;
    await writer.write(repeatRows(batch, counts.subarray(row, row + rows)));
    row += rows;
    run.report(rows);
  }
}

/** The rows of a class that is to grow, gathered as they pass by. */
interface Growing {
  readonly index: number;
  readonly name: string;
  readonly count: number;
  readonly real: NearestRows;
  filled: number;
}

async function writeSmote(
  source: SplitSource,
  k: number,
  classes: readonly string[],
  labels: Int32Array,
  writer: ShardWriter,
  run: BalanceRun,
): Promise<void> {
  checkNumeric(source);
  const width = source.fitted.columns.length;
  const sizes = new Int32Array(classes.length);
  for (const label of labels) sizes[label]! += 1;
  const majority = sizes.reduce((largest, size) => Math.max(largest, size), 0);
  const growing = classes.flatMap((name, index): Growing[] => {
    const count = majority - sizes[index]!;
    return count === 0 ? [] : [{ index, name, count, real: smoteRows(sizes[index]!, width, k, name), filled: 0 }];
  });
  const byLabel = new Map(growing.map((each) => [each.index, each]));
  let spec: TensorSpec | undefined;
  for await (const batch of splitTensors(source, 'train')) {
    const features = batch[FEATURES]!;
    ({ spec } = features);
    batch[LABEL]!.data.forEach((label, row) => {
      const found = byLabel.get(label);
      if (found === undefined) return;
      const values = features.data.subarray(row * width, (row + 1) * width);
      const odd = values.findIndex((value) => !Number.isFinite(value));
      if (odd >= 0)
        throw new PerennialError(
          'DATA_INVALID',
          `balance: the column "${source.fitted.columns[odd]!.name}" holds ${values[odd]} in a row of the class "${found.name}"; SMOTE needs distances between finite numbers.`,
          { hint: 'Impute or clip the column.' },
        );
      found.real.values.set(values, found.filled * width);
      found.filled += 1;
    });
    await writer.write(batch);
    run.report(batch[LABEL]!.rows);
  }
  for (const { index, name, count, real } of growing) {
    const what = `SMOTE of the class "${name}"`;
    let made = 0;
    for await (const data of smote(real, count, name, source.seed, {
      signal: run.signal,
      onProgress: (fraction) => run.progress(`${what}: neighbours of ${real.rows} rows`, fraction),
    })) {
      const rows = data.length / width;
      await writer.write({
        [FEATURES]: { spec: spec!, rows, data },
        [LABEL]: { spec: { name: LABEL, shape: [1], dtype: 'int32' }, rows, data: new Int32Array(rows).fill(index) },
      });
      made += rows;
      run.signal.throwIfAborted();
      run.progress(`${what}: ${made} of ${count} synthetic rows`, made / count);
    }
  }
}
