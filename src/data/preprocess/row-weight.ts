import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { Tensor, TensorSpec } from '../../core/tensor.ts';
import type { ColumnData } from '../transforms/column-data.ts';
import { requireColumn } from '../table/columns.ts';
import { labelColumns } from '../ingest/label-columns.ts';
import type { Column } from '../stored/column.ts';
import { columnSource, datasetMeta } from '../stored/dataset-rows.ts';
import type { Database } from '../table/duckdb.ts';

/** Of training examples whose rows are weighted: how much each counts in the loss. */
export const WEIGHT = '@weight';

export const WEIGHT_SPEC: TensorSpec = { name: WEIGHT, shape: [1], dtype: 'float32' };

/** @throws COLUMN_MISSING, CONFIG_INVALID where the column holds no numbers, or is the label */
export function weightColumn(name: string, columns: readonly Column[], labels: readonly Column[]): Column {
  const column = requireColumn(columns, name, 'weight');
  if (column.type !== 'number' && column.type !== 'integer')
    throw new PerennialError('CONFIG_INVALID', `weight: "${name}" is a ${column.type} column; the weights of rows are numbers.`);
  if (labels.includes(column))
    throw new PerennialError('CONFIG_INVALID', `weight: "${name}" is the label.`, { hint: 'Name another column, or leave "weight" out.' });
  return column;
}

/** The column of the weights, which lets training rows count. @throws COLUMN_MISSING, CONFIG_INVALID, DATA_INVALID where none counts */
export async function usableWeight(db: Database, dataset: OpenArtifact, name: string): Promise<Column> {
  const meta = datasetMeta(dataset);
  const column = weightColumn(name, meta.columns, labelColumns(meta));
  const { source, sql } = await columnSource(db, dataset, 'train', name);
  const [largest] = await db.rows(`SELECT max(abs(${sql})), count(*) FROM ${source}`);
  if (largest![0] !== null && Number(largest![0]) === 0)
    throw new PerennialError(
      'DATA_INVALID',
      `weight: "${name}" is 0 in all ${String(largest![1])} rows of the train split: none of them counts, so that nothing would be learnt.`,
      { hint: 'Name the column that holds the weights, or leave "weight" out.' },
    );
  return column;
}

/** @param firstRow of the batch @throws DATA_INVALID for a weight that is missing, negative or infinite */
export function weightTensor({ name }: Column, data: ColumnData, firstRow: number): Tensor {
  const values = Float32Array.from((data as { readonly values: Float64Array }).values);
  const bad = values.findIndex((value) => !(value >= 0 && value < Infinity));
  if (bad >= 0) {
    const isMissing = Number.isNaN(values[bad]);
    const problem = isMissing ? 'is missing' : `is ${values[bad]}`;
    throw new PerennialError('DATA_INVALID', `row ${firstRow + bad}: the weight "${name}" ${problem}; a weight is a number from 0 up.`, {
      hint: leaveOutHint(name, isMissing),
    });
  }
  return { spec: WEIGHT_SPEC, rows: values.length, data: values };
}

/** How a row with such a weight is left out: bounds let missing values pass. */
export function leaveOutHint(name: string, isMissing: boolean): string {
  const column = JSON.stringify(name);
  return `Correct the row, or leave it out in the ingest step: "filter": [{ "column": ${column}, ${isMissing ? '"notNull": true' : '"between": [0, 1000]'} }].`;
}
