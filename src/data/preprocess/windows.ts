import type { Tensor, TensorBatch } from '../../core/tensor.ts';
import type { ColumnData, NumberData } from '../transforms/column-data.ts';
import { ANOMALY, ANOMALY_SPEC, isLabel } from '../stored/examples.ts';
import { WEIGHT } from './row-weight.ts';
import { SeriesRuns, WindowCutter, keysOf, pickRows } from './series.ts';
import type { FittedSequence } from '../stored/sequence.ts';
import type { Column } from '../stored/column.ts';

/**
 * Turns rows in the order of time into windows of `size` rows with the label `horizon` rows after the window's last row. Batches are
 * added over all splits in order: the windows of a split's first labels reach back into the split before (its past is known by
 * then), each within its series and not over a gap, while every label lies in its own split.
 */
export class Windows {
  readonly #sequence: FittedSequence;
  readonly #runs: SeriesRuns;
  readonly #cutter: WindowCutter;

  constructor(sequence: FittedSequence, byType: Column['type']) {
    this.#sequence = sequence;
    this.#runs = new SeriesRuns(sequence, byType);
    this.#cutter = new WindowCutter(sequence.size, sequence.horizon);
  }

  /** Columns that say when a row is and which series it belongs to. */
  get columns(): string[] {
    return [this.#sequence.by, ...(this.#sequence.key ?? []).map(({ name }) => name)];
  }

  /** Windows whose label is a row of this batch. @param columns of the batch: those of {@link columns} */
  add(batch: TensorBatch, columns: ReadonlyMap<string, ColumnData>): TensorBatch {
    const times = (columns.get(this.#sequence.by) as NumberData).values;
    const keys = keysOf(this.#sequence.key, columns, times.length);
    const inputs = Object.fromEntries(Object.entries(batch).filter(([name]) => !ofAnswer(name)));
    const { windows, rows } = this.#cutter.cut(inputs, keys, this.#runs.add(keys, times, times.length));
    if (windows[ANOMALY] !== undefined) windows[ANOMALY] = anyOf(windows[ANOMALY], this.#sequence.size);
    for (const [name, label] of Object.entries(batch)) if (ofAnswer(name)) windows[name] = pickRows(label, rows);
    return windows;
  }
}

/** Labels, and the weight of the row that holds them. */
const ofAnswer = (tensor: string): boolean => (isLabel(tensor) && tensor !== ANOMALY) || tensor === WEIGHT;

/** A window is an anomaly where any of its rows is one. */
function anyOf(flags: Tensor, size: number): Tensor {
  const data = Int32Array.from({ length: flags.rows }, (_, row) => Math.max(...flags.data.subarray(row * size, (row + 1) * size)));
  return { spec: ANOMALY_SPEC, rows: flags.rows, data };
}
