import type { LocalFile, OpenArtifact } from '../../core/ports.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import { threadsFor, workInThreads } from '../../platform/threads.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { datasetMeta } from '../stored/dataset-rows.ts';
import { rowsPerShard } from '../stored/examples.ts';
import { columnsOfJson, columnsToJson } from './preprocessor-json.ts';
import type { FittedColumn } from './fitted-column.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';
import type { ExamplesMeta, Split } from '../stored/dataset.ts';
import type { TransformSpec } from './chain.ts';
import type { SplitSource } from './split-tensors.ts';
import type { FitAnswer, FitTask, ThreadData, WriteAnswer, WriteTask } from './thread-work.ts';

/** From so many values on threads gain more than they need to start: a third of a second of the processor each. */
const VALUES_MIN = 10_000_000;
/** A thread holds batches of rows and what the database needs for them. */
const THREADS_MAX = 4;
/** Columns that one task learns: a thread takes the next ones when it is done. */
const COLUMNS_PER_TASK = 8;

/** Whether threads are worth it: many values, none of them an image. */
export function isWorthThreads(rows: number, columns: readonly Pick<Column, 'type'>[]): boolean {
  return rows * columns.length >= VALUES_MIN && columns.every(({ type }) => type !== 'image');
}

async function dataFor(dataset: OpenArtifact, splits: readonly Split[], seed: number): Promise<ThreadData> {
  const meta = datasetMeta(dataset);
  const paths: Partial<Record<Split, string>> = {};
  for (const split of splits) if (meta.rows[split] > 0) paths[split] = await dataset.path(`${split}.parquet`);
  return { meta, paths, seed };
}

/** Learns the transforms of columns as `fitColumns` does, some columns in each thread. @param note hears of them in the same order */
export async function fitInThreads(
  dataset: OpenArtifact,
  features: readonly { readonly column: string; readonly specs: readonly TransformSpec[] }[],
  seed: number,
  note: (text: string) => void,
  signal: AbortSignal | undefined,
): Promise<FittedColumn[]> {
  const size = Math.min(COLUMNS_PER_TASK, Math.ceil(features.length / (2 * THREADS_MAX)));
  const tasks: FitTask[] = Array.from({ length: Math.ceil(features.length / size) }, (_, index) => ({
    fit: features.slice(index * size, (index + 1) * size),
  }));
  const answers = await workInThreads<FitTask, FitAnswer>({
    entry: 'preprocessing',
    gentle: true,
    what: 'learning the transforms',
    data: await dataFor(dataset, ['train'], seed),
    tasks,
    threads: Math.min(THREADS_MAX, threadsFor(tasks.length)),
    signal,
  });
  answers
    .flatMap(({ notes }) => notes)
    .sort((a, b) => a.pass - b.pass)
    .forEach(({ text }) => note(text));
  return columnsOfJson(answers.flatMap(({ columns }) => columns));
}

interface Written {
  readonly files: Readonly<Record<string, LocalFile>>;
  readonly splits: ExamplesMeta['splits'];
}

/** Writes the shards of all splits, each in a thread; they are cut where one thread would cut them. */
export async function writeInThreads(
  dataset: OpenArtifact,
  { columns, output, weight, seed, packing }: SplitSource['fitted'],
  specs: readonly TensorSpec[],
  dir: string,
  signal: AbortSignal | undefined,
  report: (message: string, fraction: number) => void,
  shardBytes: number = DATA_LIMITS.shardBytesMax,
): Promise<Written> {
  const { rows } = datasetMeta(dataset);
  const size = rowsPerShard(specs, shardBytes);
  const shared = { columns: columnsToJson(columns), output, specs, dir, shardBytes, ...(packing === undefined ? {} : { packing }) };
  const tasks = SPLITS.flatMap((split) =>
    Array.from({ length: Math.ceil(rows[split] / size) }, (_, shard): WriteTask => ({
      ...shared,
      split,
      shard,
      rows: { start: shard * size, rows: Math.min(size, rows[split] - shard * size) },
      ...(weight === undefined ? {} : { weight }),
    })),
  );
  const work = {
    entry: 'preprocessing',
    gentle: true,
    what: 'writing the examples',
    data: await dataFor(dataset, SPLITS, seed),
    threads: Math.min(THREADS_MAX, threadsFor(tasks.length)),
    signal,
  };
  const answers = await workInThreads<WriteTask, WriteAnswer>({
    ...work,
    tasks,
    onDone: (done, all) => report(`${done} of ${all} shards`, done / all),
  });
  const splits = Object.fromEntries(
    SPLITS.map((split) => {
      const shards = answers.filter((_, index) => tasks[index]!.split === split).map((answer) => ({ rows: answer.rows }));
      return [split, { rows: rows[split], shards }];
    }),
  ) as unknown as ExamplesMeta['splits'];
  return { files: Object.assign({}, ...answers.map(({ files }) => files)) as Record<string, LocalFile>, splits };
}
