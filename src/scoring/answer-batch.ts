import { isPerennialError } from '../core/errors.ts';
import type { Row, TensorBatch } from '../core/tensor.ts';
import { FLOAT32_MAX } from '../data/preprocess/fitted-column.ts';
import type { SeriesFollowing } from '../data/stored/dataset.ts';
import type { ColumnData } from '../data/transforms/column-data.ts';
import { toRequestError } from '../serving/request-error.ts';
import type { Servable } from '../serving/servable.ts';
import { checkRows } from '../serving/source-rows.ts';
import { givesNumbers } from '../serving/warm-up.ts';
import { predictAsServed, singleRows } from './predict-as-served.ts';
import { pick, withoutRow } from './part-batches.ts';
import type { ReadBatch } from './part-batches.ts';

/** Answers of a batch. */
export interface AnsweredBatch {
  /** Values of the network, row-major. */
  readonly values: Float32Array;
  /** Places in the batch that they are of (of a window the last row). */
  readonly ends: Int32Array;
  /** Places of rows that cannot be answered, with the reasons. */
  readonly refused: ReadonlyMap<number, string>;
}

/** Rows of a batch as a client would send them, by their places in it. */
export type RowsOf = (places: readonly number[]) => Promise<ReadonlyMap<number, Row>>;

/**
 * From columns to the values of the network: by the code that training and serving use. What cannot be answered is found without hurting
 * the others, and gets the words of the server.
 */
export class BatchAnswerer {
  readonly #servable: Servable;
  readonly #saturate: boolean;
  readonly #following: SeriesFollowing | undefined;
  readonly #isSingle: (row: number) => boolean;

  /** @param rows of the whole source */
  constructor(servable: Servable, rows: number) {
    this.#servable = servable;
    this.#isSingle = singleRows(rows, servable.preprocessor.windowSize);
    // As in the server: a reading beyond all bounds is what a model of anomalies is for.
    this.#saturate = servable.predictor.meta.output.kind === 'anomaly';
    this.#following = servable.preprocessor.series?.follow();
  }

  /** @param answered false: the rows are only what windows behind them reach back over */
  async answer(batch: ReadBatch, rowsOf: RowsOf, answered = true): Promise<AnsweredBatch> {
    const refused = new Map(batch.refused);
    if (batch.suspects.length > 0) await this.#explain(batch, rowsOf, refused);
    if (this.#servable.preprocessor.applyColumns === undefined) return this.#answerQuestions(batch, rowsOf, refused);
    let good = without(batch.rows, refused);
    let tensors = await this.#tryTensors(refused.size === 0 ? batch.columns : pick(batch.columns, good), good.length);
    if (tensors === undefined) {
      for (const [place, reason] of await this.#unreadable(batch.columns, good)) refused.set(place, reason);
      good = without(batch.rows, refused);
      tensors = await this.#tensorsOf(pick(batch.columns, good), good.length);
    }
    if (this.#following === undefined) return this.#values(batch, tensors, good, refused);
    const followed = this.#following.add(batch.columns, batch.rows, good, tensors);
    for (const [place, reason] of followed.refused) refused.set(place, reason);
    return answered
      ? this.#values(batch, followed.tensors, followed.ends, refused)
      : { values: new Float32Array(0), ends: followed.ends, refused };
  }

  /** undefined where some row cannot be read. */
  async #tryTensors(columns: ReadonlyMap<string, ColumnData>, rows: number): Promise<TensorBatch | undefined> {
    try {
      return await this.#tensorsOf(columns, rows);
    } catch (error) {
      if (isPerennialError(error, 'DATA_INVALID')) return undefined;
      throw error;
    }
  }

  #tensorsOf(columns: ReadonlyMap<string, ColumnData>, rows: number): Promise<TensorBatch> {
    return this.#servable.preprocessor.applyColumns!(columns, rows, { saturate: this.#saturate });
  }

  /** Rows whose values the transforms make nothing of: halves in which there is none are looked at once. */
  async #unreadable(columns: ReadonlyMap<string, ColumnData>, places: Int32Array): Promise<Map<number, string>> {
    const found = new Map<number, string>();
    const open = [places];
    for (let group = open.pop(); group !== undefined; group = open.pop()) {
      if (group.length === 0) continue;
      try {
        await this.#tensorsOf(pick(columns, group), group.length);
      } catch (error) {
        if (!isPerennialError(error, 'DATA_INVALID')) throw error;
        if (group.length === 1) found.set(group[0]!, withoutRow(error.message));
        else {
          const half = group.length >> 1;
          open.push(group.subarray(0, half), group.subarray(half));
        }
      }
    }
    return found;
  }

  /** What the server would say of rows that hold something that cannot be read. */
  async #explain({ suspects }: ReadBatch, rowsOf: RowsOf, refused: Map<number, string>): Promise<void> {
    const rows = await rowsOf(suspects);
    const { preprocessor } = this.#servable;
    for (const place of suspects) {
      if (refused.has(place)) continue;
      const row = rows.get(place)!;
      try {
        const given = checkRows(
          this.#servable,
          Array.from({ length: preprocessor.windowSize }, () => row),
        );
        await preprocessor.apply(given, { saturate: this.#saturate });
        refused.set(place, 'a value cannot be read as the type of its column.');
      } catch (error) {
        refused.set(place, this.#reason(error));
      }
    }
  }

  #reason(error: unknown): string {
    const problem = toRequestError(error, '');
    if (problem.facts.row === undefined) throw error;
    return withoutRow(problem.message);
  }

  async #answerQuestions(batch: ReadBatch, rowsOf: RowsOf, refused: Map<number, string>): Promise<AnsweredBatch> {
    const places = without(batch.rows, refused);
    const rows = await rowsOf(Array.from(places));
    const good: number[] = [];
    for (const place of places) {
      try {
        await this.#servable.preprocessor.apply(checkRows(this.#servable, [rows.get(place)]), { saturate: this.#saturate });
        good.push(place);
      } catch (error) {
        refused.set(place, this.#reason(error));
      }
    }
    if (good.length === 0) return { values: new Float32Array(0), ends: new Int32Array(0), refused };
    const given = checkRows(
      this.#servable,
      good.map((place) => rows.get(place)),
    );
    return this.#values(
      batch,
      await this.#servable.preprocessor.apply(given, { saturate: this.#saturate }),
      Int32Array.from(good),
      refused,
    );
  }

  /** @throws Error where the network gives no numbers at all */
  async #values({ firstRow }: ReadBatch, tensors: TensorBatch, ends: Int32Array, refused: Map<number, string>): Promise<AnsweredBatch> {
    if (ends.length === 0) return { values: new Float32Array(0), ends, refused };
    const { predictor, model, version } = this.#servable;
    const values = await predictAsServed(predictor, tensors, ends.length, (at) => this.#isSingle(firstRow + ends[at]!));
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad === -1) return { values, ends, refused };
    if (!(await givesNumbers(this.#servable))) throw new Error(`version ${version} of ${model} gave ${values[bad]} at value ${bad}`);
    if (this.#saturate) return { values: values.map((value) => (Number.isFinite(value) ? value : FLOAT32_MAX)), ends, refused };
    const width = values.length / ends.length;
    const good = Int32Array.from(
      Array.from(ends.keys()).filter((at) => values.subarray(at * width, (at + 1) * width).every((value) => Number.isFinite(value))),
    );
    const kept = new Float32Array(good.length * width);
    good.forEach((at, to) => kept.set(values.subarray(at * width, (at + 1) * width), to * width));
    const isGood = new Set(good);
    for (const [at, end] of ends.entries())
      if (!isGood.has(at)) refused.set(end, 'the model has no answer for such values, which are far from all that it learnt from.');
    return { values: kept, ends: good.map((at) => ends[at]!), refused };
  }
}

function without(rows: number, refused: ReadonlyMap<number, string>): Int32Array {
  if (refused.size === 0) return Int32Array.from({ length: rows }, (_, row) => row);
  return Int32Array.from(Array.from({ length: rows }, (_, row) => row).filter((row) => !refused.has(row)));
}
