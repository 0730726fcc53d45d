import { PerennialError } from '../../core/errors.ts';
import type { Tensor, TensorSpec } from '../../core/tensor.ts';
import type { ColumnData } from '../transforms/column-data.ts';
import { requireColumn } from '../table/columns.ts';
import type { Column } from '../stored/column.ts';

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

/** @param firstRow of the batch @throws DATA_INVALID for a weight that is missing, negative or infinite */
export function weightTensor({ name }: Column, data: ColumnData, firstRow: number): Tensor {
  const values = Float32Array.from((data as { readonly values: Float64Array }).values);
  const bad = values.findIndex((value) => !(value >= 0 && value < Infinity));
  if (bad >= 0) {
    const problem = Number.isNaN(values[bad]) ? 'is missing' : `is ${values[bad]}`;
    throw new PerennialError('DATA_INVALID', `row ${firstRow + bad}: the weight "${name}" ${problem}; a weight is a number from 0 up.`, {
      hint: 'Correct the row, or leave it out in the validate step: { "column": "' + name + '", "between": [0, 1000] }.',
    });
  }
  return { spec: WEIGHT_SPEC, rows: values.length, data: values };
}
