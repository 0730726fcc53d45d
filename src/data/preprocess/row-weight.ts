import { durationMs } from '../../core/duration.ts';
import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { Tensor, TensorSpec } from '../../core/tensor.ts';
import type { ColumnData } from '../transforms/column-data.ts';
import { requireColumn } from '../table/columns.ts';
import { labelColumns } from '../ingest/label-columns.ts';
import type { Column } from '../stored/column.ts';
import { recencyWeight } from '../stored/recency.ts';
import type { Recency } from '../stored/recency.ts';
import { columnSource, datasetMeta } from '../stored/dataset-rows.ts';
import type { Database } from '../table/duckdb.ts';

/** Of training examples whose rows are weighted: how much each counts in the loss. */
export const WEIGHT = '@weight';

export const WEIGHT_SPEC: TensorSpec = { name: WEIGHT, shape: [1], dtype: 'float32' };

/** By a column that holds weights; or by the age of a row, which counts half as much for each half-life. */
export type WeightConfig = string | { readonly column: string; readonly halfLife: string };

/** What says how much a row counts. */
export interface RowWeight {
  readonly column: Column;
  readonly recency?: Recency;
}

export const weightNameOf = (weight: WeightConfig): string => (typeof weight === 'string' ? weight : weight.column);

/** @throws COLUMN_MISSING, CONFIG_INVALID where the column does not hold what it is to hold, or is the label */
export function weightColumn(weight: WeightConfig, columns: readonly Column[], labels: readonly Column[]): Column {
  const name = weightNameOf(weight);
  const column = requireColumn(columns, name, 'weight');
  if (typeof weight === 'object' && column.type !== 'timestamp')
    throw new PerennialError('CONFIG_INVALID', `weight: "${name}" is a ${column.type} column; "halfLife" counts from timestamps.`, {
      hint: 'Name the column with the times of the rows, or declare its format in "columns" of the ingest step.',
    });
  if (typeof weight === 'string' && column.type !== 'number' && column.type !== 'integer')
    throw new PerennialError('CONFIG_INVALID', `weight: "${name}" is a ${column.type} column; the weights of rows are numbers.`, {
      ...(column.type === 'timestamp'
        ? { hint: `To let newer rows count more: "weight": { "column": ${JSON.stringify(name)}, "halfLife": "7d" }.` }
        : {}),
    });
  if (labels.includes(column))
    throw new PerennialError('CONFIG_INVALID', `weight: "${name}" is the label.`, { hint: 'Name another column, or leave "weight" out.' });
  return column;
}

/** What lets training rows count. @throws COLUMN_MISSING, CONFIG_INVALID, DATA_INVALID where none counts */
export async function usableWeight(db: Database, dataset: OpenArtifact, weight: WeightConfig): Promise<RowWeight> {
  const meta = datasetMeta(dataset);
  const name = weightNameOf(weight);
  const column = weightColumn(weight, meta.columns, labelColumns(meta));
  const { source, sql } = await columnSource(db, dataset, 'train', name);
  if (typeof weight === 'object') return { column, recency: await recencyOf(db, source, sql, weight) };
  const [largest] = await db.rows(`SELECT max(abs(${sql})), count(*) FROM ${source}`);
  if (largest![0] !== null && Number(largest![0]) === 0)
    throw new PerennialError(
      'DATA_INVALID',
      `weight: "${name}" is 0 in all ${String(largest![1])} rows of the train split: none of them counts, so that nothing would be learnt.`,
      { hint: 'Name the column that holds the weights, or leave "weight" out.' },
    );
  return { column };
}

/** Counted from the newest training row: the same rows count the same, whenever they are learnt from. */
async function recencyOf(db: Database, source: string, sql: string, { column, halfLife }: Exclude<WeightConfig, string>): Promise<Recency> {
  const halfLifeMs = durationMs(halfLife);
  const time = `epoch_ms(${sql})`;
  const [[newest]] = (await db.rows(`SELECT CAST(max(${time}) AS DOUBLE) FROM ${source}`)) as [[number | null]];
  if (newest === null)
    throw new PerennialError('DATA_INVALID', `weight: "${column}" is missing in all rows of the train split.`, {
      hint: 'Name the column with the times of the rows, or leave "weight" out.',
    });
  const [[mean]] = (await db.rows(
    `SELECT avg(pow(2, (${time} - CAST('${newest}' AS DOUBLE)) / ${halfLifeMs})) FROM ${source} WHERE ${sql} IS NOT NULL`,
  )) as [[number]];
  return { halfLife, halfLifeMs, newest, scale: 1 / mean };
}

/** @param firstRow of the batch @throws DATA_INVALID for a weight that is missing, negative or infinite */
export function weightTensor({ column: { name }, recency }: RowWeight, data: ColumnData, firstRow: number): Tensor {
  const given = (data as { readonly values: Float64Array }).values;
  const values = Float32Array.from(recency === undefined ? given : given.map((time) => recencyWeight(recency, time)));
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
