import { isPerennialError } from '../../core/errors.ts';
import type { TensorBatch } from '../../core/tensor.ts';
import type { ColumnData, NumberData } from '../transforms/column-data.ts';
import type { FollowedWindows, SeriesFollowing } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';
import type { FittedSequence } from '../stored/sequence.ts';
import { SeriesRuns, WindowCutter, keyText } from './series.ts';

/**
 * The windows of rows that come batch by batch, cut as those of training. A row that cannot be read, or does not follow the one before, is
 * a gap in its series, as it is for a client who sends the rows before it and those behind it apart.
 */
export class SeriesFollower implements SeriesFollowing {
  readonly #sequence: FittedSequence;
  readonly #runs: SeriesRuns;
  readonly #cutter: WindowCutter;
  /** Whether rows say when they are; known from the first that can be read on. */
  #timed: boolean | undefined;

  constructor(sequence: FittedSequence, byType: Column['type']) {
    this.#sequence = sequence;
    this.#runs = new SeriesRuns(sequence, byType);
    this.#cutter = new WindowCutter(sequence.size, 0);
  }

  add(columns: ReadonlyMap<string, ColumnData>, rows: number, good: Int32Array, tensors: TensorBatch): FollowedWindows {
    const { by } = this.#sequence;
    const keys = this.#keys(columns, rows);
    const times = (columns.get(by) as NumberData | undefined)?.values;
    if (times !== undefined) this.#timed ??= good.some((row) => !Number.isNaN(times[row])) ? true : good.length === 0 ? undefined : false;
    const refused = new Map<number, string>();
    const counts = new Int32Array(good.length);
    for (let row = 0, at = 0; row < rows; row += 1) {
      const key = keys === undefined ? '' : keys[row];
      if (good[at] !== row) {
        // A row that does not say which series it is of is of none.
        if (key !== undefined) this.#runs.forget(key);
        continue;
      }
      const reason = this.#follow(key!, this.#timed === true ? times![row]! : undefined, row, (run) => void (counts[at] = run));
      if (reason !== undefined) {
        refused.set(row, reason);
        this.#runs.forget(key!);
      }
      at += 1;
    }
    const own = keys === undefined ? undefined : Array.from(good, (row) => keys[row]!);
    const { windows, rows: ends } = this.#cutter.cut(tensors, own, counts);
    return {
      tensors: windows,
      ends: ends.map((row) => good[row]!),
      refused,
      ...(keys === undefined ? {} : { keys: keys.map((key) => key ?? '') }),
    };
  }

  /** @returns why the row cannot follow those before it */
  #follow(key: string, time: number | undefined, row: number, count: (run: number) => void): string | undefined {
    const { by } = this.#sequence;
    if (time !== undefined && Number.isNaN(time)) return `column "${by}": it is missing, and other rows have it.`;
    try {
      count(this.#runs.follow(key, time, row));
      return undefined;
    } catch (error) {
      if (isPerennialError(error, 'DATA_INVALID')) return error.message;
      throw error;
    }
  }

  #keys(columns: ReadonlyMap<string, ColumnData>, rows: number): (string | undefined)[] | undefined {
    const { key } = this.#sequence;
    if (key === undefined || key.length === 0) return undefined;
    const parts = key.map(
      ({ name }) => (columns.get(name) as NumberData | undefined)?.values as ArrayLike<number | string | null> | undefined,
    );
    return Array.from({ length: rows }, (_, row) => {
      const values = parts.map((part) => part?.[row]);
      return values.some((value) => value === null || value === undefined || Number.isNaN(value))
        ? undefined
        : keyText(values as (string | number)[]);
    });
  }
}
