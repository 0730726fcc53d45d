import { PerennialError } from '../../core/errors.ts';
import type { Row, Tensor } from '../../core/tensor.ts';
import type { Column } from '../stored/column.ts';
import type { Preprocessor, SeriesWindows } from '../stored/dataset.ts';
import type { FittedSequence } from '../stored/sequence.ts';
import { columnOfRows } from '../table/row-values.ts';
import type { ColumnData } from '../transforms/column-data.ts';
import { SeriesFollower } from './series-follower.ts';
import { SeriesRuns, WindowCutter, keysOf, pickRows, seriesName, timeOrder } from './series.ts';

/** What a model of a series reads of a row beside its features: when it is, and which series it belongs to. */
export function placeColumns(sequence: FittedSequence | undefined, byType: Column['type']): Preprocessor['columns'] {
  if (sequence?.gap === undefined) return [];
  return [
    ...(sequence.key ?? []).map(({ name, type }) => ({ name, type, required: true })),
    { name: sequence.by, type: byType, required: false },
  ];
}

/** The windows of rows, cut as those of training. */
export function seriesOf(
  sequence: FittedSequence,
  byType: Column['type'],
  asRead: (column: Column) => Column,
  tensorsOfRows: (rows: readonly Row[], saturate: boolean) => Promise<Record<string, Tensor>>,
): NonNullable<Preprocessor['series']> {
  const { size, by, key } = sequence;
  const keys = async (rows: readonly Row[]): Promise<readonly string[] | undefined> => {
    const columns = new Map<string, ColumnData>();
    for (const column of key ?? []) columns.set(column.name, await columnOfRows(rows, asRead(column)));
    return keysOf(key, columns, rows.length);
  };
  return {
    sequence,
    by: { name: by, type: byType },
    keys,
    follow: () => new SeriesFollower(sequence, byType),
    async windows(rows, { mayBeNone = false, saturate = false } = {}): Promise<SeriesWindows> {
      if (rows.length < size)
        throw new PerennialError('DATA_INVALID', `${rows.length} rows were given; one example needs ${size} consecutive rows.`, {
          hint: `Give at least ${size} rows${key === undefined ? '' : ' of one series'} in the order of "${by}".`,
        });
      const tensors = await tensorsOfRows(rows, saturate);
      const own = await keys(rows);
      const times = await timesOfRows(rows, asRead({ name: by, type: byType }));
      // Training sorts its rows: whoever gives the same table gets the same windows.
      const order = times === undefined ? undefined : timeOrder(own, times);
      const placeOf = (row: number): number => order?.[row] ?? row;
      const runs = new SeriesRuns(sequence, byType);
      const sortedKeys = order === undefined ? own : own && Array.from(order, (row) => own[row]!);
      const sortedTimes = order === undefined ? times : Float64Array.from(order, (row) => times![row]!);
      const counts = runs.add(sortedKeys, sortedTimes, rows.length, placeOf);
      const sorted = order === undefined ? tensors : inOrder(tensors, order);
      const { windows, rows: ends } = new WindowCutter(size, 0).cut(sorted, sortedKeys, counts);
      if (ends.length === 0 && !mayBeNone)
        throw new PerennialError(
          'DATA_INVALID',
          `None of the ${rows.length} rows ends a window of ${size} rows: ${longest(sequence, sortedKeys, counts)}.`,
          { hint: `Give at least ${size} rows of one series that follow each other in "${by}" without a gap.` },
        );
      return {
        tensors: windows,
        ends: order === undefined ? ends : ends.map(placeOf),
        ...(own === undefined ? {} : { keys: own }),
        gaps: runs.gaps,
        sorted: order !== undefined,
      };
    },
  };
}

function inOrder(tensors: Record<string, Tensor>, order: Int32Array): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, pickRows(tensor, order)]));
}

function longest({ key }: FittedSequence, keys: readonly string[] | undefined, counts: Int32Array): string {
  const best = counts.reduce((top, count, row) => (count > counts[top]! ? row : top), 0);
  return `the most that follow each other${keys === undefined ? '' : ` in one series (${seriesName(key, keys[best]!)})`} without a gap are ${counts[best]}`;
}

/**
 * When rows are; undefined where none of them says it: they then follow each other as they stand.
 *
 * @throws DATA_INVALID where some do not
 */
async function timesOfRows(rows: readonly Row[], by: Column): Promise<Float64Array | undefined> {
  const missing = rows.map((row) => !Object.hasOwn(row, by.name) || row[by.name] === null || row[by.name] === undefined);
  if (missing.every(Boolean)) return undefined;
  const data = await columnOfRows(rows, by);
  if (data.kind !== 'timestamp' && data.kind !== 'number') return undefined;
  const at = data.values.findIndex((value) => Number.isNaN(value));
  if (at !== -1)
    throw new PerennialError('DATA_INVALID', `row ${at}, column "${by.name}": it is missing, and other rows have it.`, {
      hint: `Give "${by.name}" in every row, or in none: rows then follow each other as they stand.`,
    });
  return data.values;
}
