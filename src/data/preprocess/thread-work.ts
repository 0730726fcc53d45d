import { PerennialError } from '../../core/errors.ts';
import type { LocalFile, OpenArtifact } from '../../core/ports.ts';
import type { OutputSpec, TensorSpec } from '../../core/tensor.ts';
import { requireColumn } from '../table/columns.ts';
import { columnBatches } from '../stored/dataset-rows.ts';
import type { RowsOf } from '../stored/dataset-rows.ts';
import { withDatabase } from '../table/duckdb.ts';
import { ShardWriter } from '../stored/examples.ts';
import { columnsOfJson, columnsToJson } from './preprocessor.ts';
import type { ColumnJson } from './preprocessor.ts';
import type { Packing } from '../stored/packed-features.ts';
import type { DatasetMeta, Split } from '../stored/dataset.ts';
import { parseChain } from './chain.ts';
import type { TransformSpec } from './chain.ts';
import { fitColumns } from './fit.ts';
import type { RowWeight } from './row-weight.ts';
import { splitBatches } from './split-tensors.ts';

/** What a thread has to know of a dataset. */
export interface ThreadData {
  readonly meta: DatasetMeta;
  /** The Parquet files by their splits. */
  readonly paths: Readonly<Partial<Record<Split, string>>>;
  readonly seed: number;
}

/** Transforms of columns that are to be learnt from the train split. */
export interface FitTask {
  readonly fit: readonly { readonly column: string; readonly specs: readonly TransformSpec[] }[];
}

export interface FitAnswer {
  readonly columns: readonly ColumnJson[];
  readonly notes: readonly { readonly text: string; readonly pass: number }[];
}

/** One shard of a split that is to be written. */
export interface WriteTask {
  readonly split: Split;
  readonly shard: number;
  readonly rows: RowsOf;
  readonly columns: readonly ColumnJson[];
  readonly output: OutputSpec;
  readonly weight?: RowWeight;
  readonly packing?: Packing;
  readonly specs: readonly TensorSpec[];
  readonly dir: string;
  readonly shardBytes: number;
}

export interface WriteAnswer {
  readonly files: Readonly<Record<string, LocalFile>>;
  readonly rows: number;
}

export type ThreadTask = FitTask | WriteTask;

/** The dataset of a thread: its files lie on this machine already. */
export function openDataset({ meta, paths }: ThreadData): OpenArtifact {
  const refuse = (): never => {
    throw new PerennialError('INTERNAL', 'Only the rows of a dataset are open in this thread.');
  };
  return {
    ref: { kind: 'dataset', digest: '', summary: '' },
    manifest: { formatVersion: 1, kind: 'dataset', summary: '', files: {}, meta: meta as unknown as OpenArtifact['manifest']['meta'] },
    path: async (name) => paths[name.replace(/\.parquet$/, '') as Split] ?? refuse(),
    bytes: async () => refuse(),
    json: async () => refuse(),
  };
}

/** Batches as long as somebody waits for what becomes of them. @throws CANCELLED */
async function* untilStopped<T>(batches: AsyncIterable<T>, stopped: () => boolean): AsyncGenerator<T> {
  for await (const batch of batches) {
    if (stopped()) throw new PerennialError('CANCELLED', 'The thread was told to stop.');
    yield batch;
  }
}

/** @throws what {@link fitColumns} throws */
export async function fitInThread(
  { meta, seed }: ThreadData,
  dataset: OpenArtifact,
  { fit }: FitTask,
  stopped: () => boolean,
): Promise<FitAnswer> {
  const notes: { text: string; pass: number }[] = [];
  const chains = fit.map(({ column, specs }) => ({
    column: requireColumn(meta.columns, column, 'features'),
    links: parseChain(specs, column),
  }));
  const columns = await withDatabase((db) =>
    fitColumns(
      chains,
      (names) => untilStopped(columnBatches(db, dataset, 'train', names), stopped),
      seed,
      (text, pass) => notes.push({ text, pass }),
    ),
  );
  return { columns: columnsToJson(columns), notes };
}

/** @throws DATA_INVALID */
export async function writeInThread(
  { seed }: ThreadData,
  dataset: OpenArtifact,
  { split, shard, rows, columns, output, weight, packing, specs, dir, shardBytes }: WriteTask,
  stopped: () => boolean,
): Promise<WriteAnswer> {
  const writer = new ShardWriter(dir, split, specs, shardBytes, shard);
  const fitted = {
    columns: columnsOfJson(columns),
    output,
    seed,
    ...(weight === undefined ? {} : { weight }),
    ...(packing === undefined ? {} : { packing }),
  };
  await withDatabase(async (db) => {
    for await (const { tensors } of untilStopped(splitBatches({ db, dataset, fitted, seed }, split, [], false, rows), stopped))
      await writer.write(tensors);
  });
  await writer.close();
  return { files: writer.files, rows: writer.rows };
}
