import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { NumberData } from '../../data/transforms/column-data.ts';
import { requireColumn } from '../../data/table/columns.ts';
import { columnBatches, datasetMeta } from '../../data/stored/dataset-rows.ts';
import { withDatabase } from '../../data/table/duckdb.ts';
import { SeriesRuns, keysOf } from '../../data/preprocess/series.ts';
import { SPLITS } from '../../data/stored/dataset.ts';
import type { Sequence } from '../measure/score.ts';

/** Where the windows of the test split are, found as the preprocess step and the server find them. */
export interface SeriesRows {
  /** Index of the test row that holds the label of each window, in order. */
  readonly targets: Int32Array;
  /** Place of the last row of each window among the rows of all splits, in order. */
  readonly ends: Int32Array;
  /** Per label, for each test row: its value so many rows before in the same series; NaN where no row without a gap lies so far back. */
  readonly before: ReadonlyMap<string, Float64Array>;
  /** As `before`, of the last value that was known. */
  readonly last: ReadonlyMap<string, Float64Array>;
  /** Per label, the mean distance of the training rows from the value so many rows before; NaN where none lies so far back. */
  readonly naiveErrors: ReadonlyMap<string, number>;
  /** Rows are of several series, or there are gaps: some rows have no such past although the table is long enough. */
  readonly divided: boolean;
  /** The rows of the windows that were asked for, as places among the rows of all splits, by the example. */
  readonly windows: ReadonlyMap<number, Int32Array>;
}

/** Of a window of the test split: whether its rows are wanted. @param kept how many were before it */
export type WantedWindow = (places: Int32Array, kept: number) => boolean;

/** What is remembered of a series: its last rows. */
interface Past {
  readonly places: Int32Array;
  readonly values: Float64Array[];
  rows: number;
}

/**
 * @param labels numeric ones whose past is wanted @param lag rows back @param options.wanted windows whose rows are wanted, too
 * @throws COLUMN_MISSING, DATA_INVALID for rows that the rules of the sequence refuse
 */
export async function readSeriesRows(
  dataset: OpenArtifact,
  sequence: Sequence,
  labels: readonly string[],
  lag: number,
  { signal, wanted }: { readonly signal?: AbortSignal | undefined; readonly wanted?: WantedWindow } = {},
): Promise<SeriesRows> {
  const meta = datasetMeta(dataset);
  const { horizon, size } = sequence;
  const names = [sequence.by, ...(sequence.key ?? []).map(({ name }) => name)];
  for (const name of names) requireColumn(meta.columns, name, 'sequence');
  const runs = new SeriesRuns(sequence, sequence.byType);
  const depth = Math.max(lag, wanted === undefined ? horizon : horizon + size - 1) + 1;
  const series = new Map<string, Past>();
  const targets: number[] = [];
  const ends: number[] = [];
  const windows = new Map<number, Int32Array>();
  const empty = (): ReadonlyMap<string, Float64Array> =>
    new Map(labels.map((label) => [label, new Float64Array(meta.rows.test).fill(Number.NaN)]));
  const [before, last] = [empty(), empty()];
  const naive = labels.map(() => ({ sum: 0, rows: 0 }));
  let place = 0;
  await withDatabase(async (db) => {
    for (const split of SPLITS) {
      let row = 0;
      for await (const batch of columnBatches(db, dataset, split, [...new Set([...names, ...labels])])) {
        signal?.throwIfAborted();
        const keys = keysOf(sequence.key, batch.columns, batch.rows);
        const counts = runs.add(keys, (batch.columns.get(sequence.by) as NumberData).values, batch.rows, (at) => batch.firstRow + at);
        const values = labels.map((label) => (batch.columns.get(label) as NumberData).values);
        for (let at = 0; at < batch.rows; at += 1, row += 1, place += 1) {
          const key = keys?.[at] ?? '';
          let past = series.get(key);
          if (past === undefined)
            series.set(key, (past = { places: new Int32Array(depth), values: labels.map(() => new Float64Array(depth)), rows: 0 }));
          past.places[past.rows % depth] = place;
          for (const [index, own] of values.entries()) past.values[index]![past.rows % depth] = own[at]!;
          const run = counts[at]!;
          const back = (count: number): number => (past.rows - count) % depth;
          if (split === 'train' && lag > 0 && run > lag)
            for (const [index, sums] of naive.entries()) {
              sums.sum += Math.abs(values[index]![at]! - past.values[index]![back(lag)]!);
              sums.rows += 1;
            }
          if (split === 'test') {
            if (run >= size + horizon) {
              targets.push(row);
              ends.push(past.places[back(horizon)]!);
              if (wanted !== undefined) {
                const places = Int32Array.from({ length: size }, (_, step) => past.places[back(horizon + size - 1 - step)]!);
                if (wanted(places, windows.size)) windows.set(targets.length - 1, places);
              }
            }
            for (const [index, label] of labels.entries()) {
              if (run > lag) before.get(label)![row] = past.values[index]![back(lag)]!;
              if (run > horizon) last.get(label)![row] = past.values[index]![back(horizon)]!;
            }
          }
          past.rows += 1;
        }
      }
    }
  }, signal);
  return {
    targets: Int32Array.from(targets),
    ends: Int32Array.from(ends),
    before,
    last,
    naiveErrors: new Map(labels.map((label, index) => [label, naive[index]!.sum / naive[index]!.rows])),
    divided: series.size > 1 || runs.gaps > 0,
    windows,
  };
}

/** @throws DATA_INVALID where the examples are not those of these rows */
export function requireWindows(examples: number, { targets }: SeriesRows): Int32Array {
  if (targets.length === examples) return targets;
  throw new PerennialError(
    'DATA_INVALID',
    `The test examples do not fit the rows of the dataset: there are ${examples} examples and ${targets.length} windows.`,
    { hint: 'Give the evaluate step the dataset that its examples were made from ("inputs": { "dataset": … }).' },
  );
}
