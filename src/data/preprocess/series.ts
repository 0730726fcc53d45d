import type { SequenceConfig, FittedSequence } from '../stored/sequence.ts';
import { PerennialError } from '../../core/errors.ts';
import type { Tensor, TensorBatch } from '../../core/tensor.ts';
import type { ColumnData, NumberData, TextData } from '../transforms/column-data.ts';
import type { Column } from '../stored/column.ts';

export function keyNames(key: SequenceConfig['key']): readonly string[] {
  return key === undefined ? [] : typeof key === 'string' ? [key] : key;
}

/** The series of each row: one text for the values of all key columns. Undefined where there is only one series. @throws DATA_INVALID */
export function keysOf(
  key: FittedSequence['key'],
  columns: ReadonlyMap<string, ColumnData>,
  rows: number,
  firstRow = 0,
): readonly string[] | undefined {
  if (key === undefined || key.length === 0) return undefined;
  const parts = key.map(({ name }) => (columns.get(name) as NumberData | TextData).values);
  return Array.from({ length: rows }, (_, row) =>
    keyText(
      parts.map((values, at) => {
        const value = values[row];
        if (value === null || value === undefined || Number.isNaN(value))
          throw new PerennialError(
            'DATA_INVALID',
            `row ${firstRow + row}, column "${key[at]!.name}": it is missing, and it says which series the row belongs to.`,
            { hint: `Give ${key.map(({ name }) => `"${name}"`).join(', ')} in every row.` },
          );
        return value;
      }),
    ),
  );
}

export function keyText(values: readonly (string | number)[]): string {
  return values.length === 1 ? String(values[0]) : JSON.stringify(values);
}

/** The values of a key by column, for answers and messages. */
export function keyValues(key: NonNullable<FittedSequence['key']>, text: string): Record<string, string | number | boolean> {
  const values = key.length === 1 ? [text] : (JSON.parse(text) as (string | number)[]);
  return Object.fromEntries(
    key.map(({ name, type }, at) => [
      name,
      type === 'string' ? String(values[at]) : type === 'boolean' ? Number(values[at]) === 1 : Number(values[at]),
    ]),
  );
}

export function seriesName(key: FittedSequence['key'], text: string): string {
  if (key === undefined || key.length === 0) return '';
  return Object.entries(keyValues(key, text))
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(', ');
}

/** A point of time, or a number, for people. */
export function momentText(value: number, type: Column['type']): string {
  if (type !== 'timestamp') return String(value);
  const text = new Date(value).toISOString();
  return text.endsWith('T00:00:00.000Z') ? text.slice(0, 10) : text.replace('.000Z', 'Z');
}

const UNITS = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** A length of time, as a document writes it. */
export function lengthText(value: number, type: Column['type']): string {
  if (type !== 'timestamp') return String(value);
  const [unit, ms] = UNITS.slice(1).find(([, each]) => value >= each) ?? UNITS[4];
  return `${Number((value / ms).toPrecision(4))}${unit}`;
}

/** Rows that are earlier than the one before in their series, those without a time aside. */
export function stepsBack(keys: ArrayLike<string> | undefined, times: Float64Array): number[] {
  const before = new Map<string, number>();
  const back: number[] = [];
  for (let row = 0; row < times.length; row += 1) {
    const time = times[row]!;
    if (Number.isNaN(time)) continue;
    const key = keys?.[row] ?? '';
    if (time < (before.get(key) ?? -Infinity)) back.push(row);
    before.set(key, time);
  }
  return back;
}

/**
 * The places of rows in the order of time, rows of one moment as they stand, those without a time last: as training sorts its source.
 * Undefined where no row is earlier than the one before in its series.
 */
export function timeOrder(keys: ArrayLike<string> | undefined, times: Float64Array): Int32Array | undefined {
  if (stepsBack(keys, times).length === 0) return undefined;
  const at = (row: number): number => (Number.isNaN(times[row]!) ? Infinity : times[row]!);
  return Int32Array.from(times.keys()).sort((a, b) => (at(a) === at(b) ? a - b : at(a) < at(b) ? -1 : 1));
}

/** Rows of a file that are earlier than the one before in their series, and the first of them. */
export interface Sorted {
  readonly by: string;
  readonly rows: number;
  readonly first: number;
}

/** What is said of a file that was not in the order of time. */
export function sortedText(path: string, { by, rows, first }: Sorted): string {
  return `${path} is not in the order of "${by}": ${rows === 1 ? 'one row is' : `${rows} rows are`} earlier than the row before${rows === 1 ? '' : ' in their series'}, the first is row ${first} (counted from 0). The rows were sorted, as in training.`;
}

interface Last {
  readonly time: number;
  run: number;
}

/**
 * Counts, for each row, how many rows of its series follow each other without a gap up to it. Training, evaluation and serving ask it
 * which windows there are: one ends at a row exactly where the count is as long as the window.
 */
export class SeriesRuns {
  readonly #sequence: FittedSequence;
  readonly #byType: Column['type'];
  readonly #last = new Map<string, Last>();
  /** Gaps so far, and the first of them. */
  gaps = 0;
  readonly places: { readonly key: string; readonly after: number; readonly until: number }[] = [];

  constructor(sequence: FittedSequence, byType: Column['type']) {
    this.#sequence = sequence;
    this.#byType = byType;
  }

  /**
   * @param keys the series of each row @param times undefined where nobody gave them: rows then follow each other as they stand
   * @param placeOf by which number a row is known to whoever gave it
   * @throws DATA_INVALID for times that go back, or stand twice in a series
   */
  add(
    keys: readonly string[] | undefined,
    times: Float64Array | undefined,
    rows: number,
    placeOf: (row: number) => number = (row) => row,
  ): Int32Array {
    const runs = new Int32Array(rows);
    for (let row = 0; row < rows; row += 1) runs[row] = this.follow(keys?.[row] ?? '', times?.[row], placeOf(row));
    return runs;
  }

  /** The same of one row. @throws as {@link add}; what was known of the series stays then */
  follow(key: string, time: number | undefined, row: number): number {
    const last = this.#last.get(key);
    const apart = last !== undefined && time !== undefined && this.#isApart(key, last.time, time, row);
    const run = last === undefined || apart ? 1 : last.run + 1;
    this.#last.set(key, { time: time ?? Number.NaN, run });
    return run;
  }

  /** A row of the series was left out: what follows begins anew. */
  forget(key: string): void {
    this.#last.delete(key);
  }

  #isApart(key: string, before: number, time: number, row: number): boolean {
    const { by, gap, gaps, key: columns } = this.#sequence;
    const where = (): string => `row ${row}, column "${by}"${key === '' ? '' : ` (${seriesName(columns, key)})`}`;
    if (time < before)
      throw new PerennialError(
        'DATA_INVALID',
        `${where()}: it is earlier than the row before; a series is given in the order of time: sort the rows by "${by}".`,
      );
    if (gap === undefined) return false;
    if (time === before) {
      throw new PerennialError(
        'DATA_INVALID',
        `${where()}: ${momentText(time, this.#byType)} is there twice${columns === undefined ? '' : ' in this series'}.`,
        {
          hint:
            columns === undefined
              ? 'The model was trained on one series: give the rows of one series, each moment once.'
              : 'Give each moment of a series once.',
        },
      );
    }
    const longest = gaps !== undefined && Object.hasOwn(gaps, key) ? gaps[key]! : gap;
    if (longest === null || time - before <= longest) return false;
    this.gaps += 1;
    if (this.places.length < 3) this.places.push({ key, after: before, until: time });
    return true;
  }
}

/** The rows of each series, in order. */
function rowsBySeries(keys: readonly string[] | undefined, rows: number): Map<string, Int32Array | undefined> {
  if (keys === undefined) return new Map([['', undefined]]);
  const lists = new Map<string, number[]>();
  for (let row = 0; row < rows; row += 1) {
    const list = lists.get(keys[row]!);
    if (list === undefined) lists.set(keys[row]!, [row]);
    else list.push(row);
  }
  return new Map([...lists].map(([key, list]) => [key, Int32Array.from(list)]));
}

/** Some rows of a tensor, in the order that is given. */
export function pickRows(tensor: Tensor, rows: Int32Array): Tensor {
  const width = tensor.rows === 0 ? 0 : tensor.data.length / tensor.rows;
  const data = new (tensor.data.constructor as Float32ArrayConstructor)(rows.length * width) as Tensor['data'];
  rows.forEach((row, at) => data.set(tensor.data.subarray(row * width, (row + 1) * width), at * width));
  return { spec: tensor.spec, rows: rows.length, data };
}

type Values = Tensor['data'];

/** The last rows of a series before this batch, then those of the batch. */
function joined(past: Values | undefined, { data }: Tensor, own: Int32Array | undefined, width: number): Values {
  if (own === undefined && past === undefined) return data;
  const before = past?.length ?? 0;
  const all = new (data.constructor as Float32ArrayConstructor)(before + (own === undefined ? data.length : own.length * width)) as Values;
  if (past !== undefined) all.set(past);
  if (own === undefined) all.set(data, before);
  else own.forEach((row, at) => all.set(data.subarray(row * width, (row + 1) * width), before + at * width));
  return all;
}

/**
 * Cuts rows in the order of time into windows of `size` rows, each `horizon` rows before the row that its answer is of. Batches follow
 * each other: a window may reach back into those before, never into another series or over a gap. At most `size + horizon - 1` rows
 * of each series are kept.
 */
export class WindowCutter {
  readonly #size: number;
  readonly #horizon: number;
  readonly #past = new Map<string, Record<string, Values>>();

  constructor(size: number, horizon: number) {
    this.#size = size;
    this.#horizon = horizon;
  }

  /** The windows, and the row of the batch that each belongs to, in the order of the rows. @param runs of {@link SeriesRuns} */
  cut(
    tensors: TensorBatch,
    keys: readonly string[] | undefined,
    runs: Int32Array,
  ): { readonly windows: Record<string, Tensor>; readonly rows: Int32Array } {
    const needed = this.#size + this.#horizon;
    const rows = Int32Array.from(Array.from(runs.keys()).filter((row) => runs[row]! >= needed));
    const exampleOf = new Int32Array(runs.length).fill(-1);
    rows.forEach((row, example) => void (exampleOf[row] = example));
    const series = rowsBySeries(keys, runs.length);
    const windows: Record<string, Tensor> = {};
    for (const [name, tensor] of Object.entries(tensors)) {
      const width = tensor.spec.shape.reduce((product, size) => product * size, 1);
      const data = new (tensor.data.constructor as Float32ArrayConstructor)(rows.length * this.#size * width) as Values;
      for (const [key, own] of series) this.#fill({ key, own, name, tensor, width, data, exampleOf });
      windows[name] = { spec: { ...tensor.spec, shape: [this.#size, ...tensor.spec.shape] }, rows: rows.length, data };
    }
    return { windows, rows };
  }

  #fill({
    key,
    own,
    name,
    tensor,
    width,
    data,
    exampleOf,
  }: {
    readonly key: string;
    readonly own: Int32Array | undefined;
    readonly name: string;
    readonly tensor: Tensor;
    readonly width: number;
    readonly data: Values;
    readonly exampleOf: Int32Array;
  }): void {
    const past = this.#past.get(key) ?? {};
    const all = joined(past[name], tensor, own, width);
    const before = (past[name]?.length ?? 0) / width;
    const count = own?.length ?? exampleOf.length;
    for (let at = 0; at < count; at += 1) {
      const example = exampleOf[own === undefined ? at : own[at]!]!;
      if (example === -1) continue;
      const end = before + at - this.#horizon + 1;
      data.set(all.subarray((end - this.#size) * width, end * width), example * this.#size * width);
    }
    const reach = (this.#size + this.#horizon - 1) * width;
    past[name] = all.slice(Math.max(0, all.length - reach));
    this.#past.set(key, past);
  }
}
