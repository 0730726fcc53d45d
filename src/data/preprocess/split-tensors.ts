import type { OpenArtifact } from '../../core/ports.ts';
import type { OutputSpec, TensorBatch } from '../../core/tensor.ts';
import type { ColumnOutcome } from './column-outcomes.ts';
import { anomalyTensor, isAnomalySql } from './anomaly.ts';
import type { AnomalyRule } from './anomaly.ts';
import { columnBatches, columnSource, datasetMeta } from '../stored/dataset-rows.ts';
import type { RowsOf } from '../stored/dataset-rows.ts';
import type { Database } from '../table/duckdb.ts';
import { ANOMALY, labelsOf } from '../stored/examples.ts';
import { labelTensors } from './label.ts';
import { rowInputs, tensorsOf } from './column-tensors.ts';
import type { FittedColumn } from './fitted-column.ts';
import { WEIGHT, weightTensor } from './row-weight.ts';
import type { RowWeight } from './row-weight.ts';
import type { Packing } from '../stored/packed-features.ts';
import type { TableProfile } from '../table/profile.ts';
import type { ColumnData } from '../transforms/column-data.ts';
import type { FittedSequence } from '../stored/sequence.ts';
import type { AnomalyMeta, Preprocessor, Split } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';

export interface FittedPreprocessing {
  readonly columns: readonly FittedColumn[];
  readonly output: OutputSpec;
  readonly preprocessor: Preprocessor;
  readonly outcomes: readonly ColumnOutcome[];
  readonly notes: readonly string[];
  /** How windows are cut, where examples are windows, and the type of the column that orders the rows. */
  readonly sequence?: FittedSequence;
  readonly byType?: Column['type'];
  /** Of the transforms. */
  readonly seed: number;
  /** Which rows are anomalies, where the document says so. */
  readonly anomaly?: AnomalyRule;
  readonly anomalies?: AnomalyMeta;
  /** How much a training row counts. */
  readonly weight?: RowWeight;
  /** Of the normal training rows, where that is not the profile of the dataset. */
  readonly described?: TableProfile;
}

export interface SplitSource {
  readonly db: Database;
  readonly dataset: OpenArtifact;
  readonly fitted: Pick<FittedPreprocessing, 'columns' | 'output' | 'seed' | 'anomaly' | 'weight'> & {
    /** `features` in the form in which it is stored. */
    readonly packing?: Packing;
  };
  /** Of balancing. */
  readonly seed: number;
}

/** Tensors of one split, batch by batch, with the labels. @param normal leave anomalies out; otherwise a tensor says which rows are ones */
export async function* splitTensors(source: SplitSource, split: Split, normal = false): AsyncGenerator<TensorBatch> {
  for await (const { tensors } of splitBatches(source, split, [], normal)) yield tensors;
}

/** As {@link splitTensors}, with further columns as they are. @param part only these rows, in memory that the next batch takes again */
export async function* splitBatches(
  { db, dataset, fitted }: SplitSource,
  split: Split,
  further: readonly string[],
  normal = false,
  part?: RowsOf,
): AsyncGenerator<{ readonly tensors: TensorBatch; readonly columns: ReadonlyMap<string, ColumnData> }> {
  const meta = datasetMeta(dataset);
  const { anomaly } = fitted;
  const weight = split === 'train' ? fitted.weight : undefined;
  const flagged = anomaly === undefined || normal ? undefined : anomaly;
  const names = [
    ...new Set([
      ...fitted.columns.map((column) => column.name),
      ...labelsOf(fitted.output).map(({ name }) => name),
      ...(flagged === undefined ? [] : [flagged.column.name]),
      ...(weight === undefined ? [] : [weight.column.name]),
      ...further,
    ]),
  ];
  const source = anomaly === undefined || !normal || meta.rows[split] === 0 ? undefined : await normalRows(db, dataset, split, anomaly);
  const inputs = rowInputs(fitted.columns);
  const memory = part === undefined ? {} : { memory: {} };
  for await (const { rows, firstRow, columns } of columnBatches(db, dataset, split, names, source ?? part)) {
    const tensors = await tensorsOf({ ...fitted, inputs, ...memory }, columns, rows, firstRow);
    yield {
      columns,
      tensors: {
        ...tensors,
        ...labelTensors(columns, meta.columns, fitted.output),
        ...(flagged === undefined ? {} : { [ANOMALY]: anomalyTensor(flagged, columns.get(flagged.column.name)!) }),
        ...(weight === undefined ? {} : { [WEIGHT]: weightTensor(weight, columns.get(weight.column.name)!, firstRow) }),
      },
    };
  }
}

/** The rows of a split that are no anomalies, as SQL. */
export async function normalRows(db: Database, dataset: OpenArtifact, split: Split, rule: AnomalyRule): Promise<string> {
  const { source, sql } = await columnSource(db, dataset, split, rule.column.name);
  return `(SELECT * FROM ${source} WHERE NOT (${isAnomalySql(rule, sql)}))`;
}
