import type { OpenArtifact } from '../core/ports.ts';
import type { OutputSpec, TensorBatch } from '../core/tensor.ts';
import type { TransformSpec } from './chain.ts';
import { columnBatches, datasetMeta } from './dataset-rows.ts';
import type { Database } from './duckdb.ts';
import { LABEL } from './examples.ts';
import { labelTensor } from './label.ts';
import { tensorsOf } from './preprocessor.ts';
import type { FittedColumn } from './preprocessor.ts';
import type { Preprocessor, Split } from './types.ts';

export interface FittedPreprocessing {
  readonly columns: readonly FittedColumn[];
  readonly output: OutputSpec;
  readonly preprocessor: Preprocessor;
  readonly features: Readonly<Record<string, readonly TransformSpec[]>>;
  readonly notes: readonly string[];
}

export interface SplitSource {
  readonly db: Database;
  readonly dataset: OpenArtifact;
  readonly fitted: FittedPreprocessing;
  readonly seed: number;
}

/** Tensors of one split, batch by batch, with the label under `@label`. */
export async function* splitTensors({ db, dataset, fitted, seed }: SplitSource, split: Split): AsyncGenerator<TensorBatch> {
  const meta = datasetMeta(dataset);
  const label = fitted.output.kind === 'none' ? undefined : meta.columns.find((column) => column.name === meta.label);
  const names = [...new Set([...fitted.columns.map((column) => column.name), ...(label === undefined ? [] : [label.name])])];
  for await (const { rows, firstRow, columns } of columnBatches(db, dataset, split, names)) {
    const tensors = await tensorsOf({ columns: fitted.columns, seed }, columns, rows, firstRow);
    yield label === undefined ? tensors : { ...tensors, [LABEL]: labelTensor(columns.get(label.name)!, label.type, fitted.output) };
  }
}
