import { PerennialError } from '../../core/errors.ts';
import type { LocalFile, OpenArtifact } from '../../core/ports.ts';
import type { OutputSpec, TensorSpec } from '../../core/tensor.ts';
import { requireColumn } from '../table/columns.ts';
import { columnBatches } from '../stored/dataset-rows.ts';
import type { ColumnBatch, RowsOf } from '../stored/dataset-rows.ts';
import { withDatabase } from '../table/duckdb.ts';
import { ShardWriter } from '../stored/examples.ts';
import { columnsOfJson, columnsToJson } from './preprocessor-json.ts';
import type { ColumnJson } from './preprocessor-json.ts';
import type { Packing } from '../stored/packed-features.ts';
import type { DatasetMeta, Split } from '../stored/dataset.ts';
import { parseChain } from './chain.ts';
import type { TransformSpec } from './chain.ts';
import { fitColumns } from './fit.ts';
import type { TrainPass } from './fit.ts';
import type { ColumnData } from '../transforms/column-data.ts';
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

/** What a thread keeps of its columns between passes over them. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024;

/** Bytes of a column that is worth keeping. */
function bytesOf(data: ColumnData): number {
  if (data.kind === 'number' || data.kind === 'timestamp') return data.values.byteLength;
  return data.kind === 'text' && data.coded !== undefined ? data.coded.codes.byteLength : Number.POSITIVE_INFINITY;
}

/**
 * A pass that keeps the columns which later ones ask for, as far as memory is meant for it: to read them again takes longer than all
 * that is learnt of them.
 */
export function keepingPass(pass: TrainPass, later: readonly string[], bytesMax = KEPT_BYTES_MAX): TrainPass {
  let kept: Batch[] | undefined;
  return async function* (names) {
    if (kept !== undefined && names.every((name) => later.includes(name))) return yield* kept;
    const batches: Batch[] = [];
    let bytes = 0;
    for await (const batch of pass(names)) {
      const columns = new Map([...batch.columns].filter(([name]) => later.includes(name)));
      for (const data of columns.values()) bytes += bytesOf(data);
      if (bytes > bytesMax) batches.length = 0;
      else batches.push({ firstRow: batch.firstRow, columns });
      yield batch;
    }
    if (bytes <= bytesMax && later.every((name) => names.includes(name))) kept = batches;
  };
}

type Batch = Pick<ColumnBatch, 'firstRow' | 'columns'>;

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
  const later = chains.filter(({ links }) => links.filter(({ definition }) => definition.fit !== undefined).length > 1);
  const columns = await withDatabase((db) =>
    fitColumns(
      chains,
      keepingPass(
        (names) => untilStopped(columnBatches(db, dataset, 'train', names), stopped),
        later.map(({ column }) => column.name),
      ),
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
