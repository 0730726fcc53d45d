import { PerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { OutputSpec, Row, TensorBatch } from '../../core/tensor.ts';
import { ANOMALY, isLabel, labelName, labelsOf } from '../../data/stored/examples.ts';
import type { Examples } from '../../data/stored/examples.ts';
import type { FittedSequence } from '../../data/stored/sequence.ts';
import type { Preprocessor } from '../../data/stored/dataset.ts';
import type { Column } from '../../data/stored/column.ts';
import type { Predictor } from '../../training/model/model-meta.ts';

/** Examples scored at once: large enough for the tensor library, small enough for images. */
const BATCH_ROWS = 256;

export interface ScoreOptions {
  /** Default: "test". */
  readonly split?: 'validation' | 'test';
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Scored {
  readonly rows: number;
  /** Row-major model output. */
  readonly predictions: Float32Array;
  /** Row-major labels as the model learned them, by name; for models without a label their input, under its name. */
  readonly labels: ReadonlyMap<string, Float64Array>;
}

/** @throws SPLIT_INVALID */
export function requireTestRows(rows: number, split: 'validation' | 'test' = 'test'): void {
  if (rows === 0)
    throw new PerennialError('SPLIT_INVALID', `There is nothing to evaluate: the ${split} split has no examples.`, {
      hint: `Give "split.${split}" of the ingest step a larger share.`,
    });
}

/** Predicts a split of the examples, batch by batch. */
export async function scoreExamples(predictor: Predictor, examples: Examples, options: ScoreOptions = {}): Promise<Scored> {
  const reader = examples.reader(options.split ?? 'test');
  try {
    const { rows } = reader;
    requireTestRows(rows, options.split);
    const predictions: Float32Array[] = [];
    const { output } = predictor.meta;
    const labels = new Map<string, ArrayLike<number>[]>();
    for (let start = 0; start < rows; start += BATCH_ROWS) {
      options.signal?.throwIfAborted();
      const batch = reader.read(start, Math.min(BATCH_ROWS, rows - start));
      predictions.push(await predictor.predict(inputsOf(batch)));
      for (const [name, values] of labelsIn(batch, output)) labels.set(name, [...(labels.get(name) ?? []), values]);
      options.onProgress?.(Math.min(start + BATCH_ROWS, rows), rows);
    }
    return {
      rows,
      predictions: concat(predictions, (length) => new Float32Array(length)),
      labels: new Map([...labels].map(([name, parts]) => [name, concat(parts, (length) => new Float64Array(length))])),
    };
  } finally {
    reader.close();
  }
}

function inputsOf(batch: TensorBatch): TensorBatch {
  return Object.fromEntries(Object.entries(batch).filter(([name]) => !isLabel(name)));
}

function labelsIn(batch: TensorBatch, output: OutputSpec): [string, ArrayLike<number>][] {
  if (output.kind === 'anomaly') return batch[ANOMALY] === undefined ? [] : [[output.name, batch[ANOMALY].data]];
  const labels = labelsOf(output);
  const missing = labels.find(({ name }) => batch[labelName(output, name)] === undefined);
  if (missing !== undefined)
    throw new PerennialError('DATA_INVALID', `The examples hold no label tensor of "${missing.name}".`, {
      hint: 'Name the label in the ingest step.',
    });
  if (labels.length > 0) return labels.map(({ name }) => [name, batch[labelName(output, name)]!.data]);
  const inputs = Object.values(batch);
  if (output.kind === 'none' && inputs.length === 1) return [[output.name, inputs[0]!.data]];
  if (output.kind === 'none')
    throw new PerennialError(
      'CONFIG_INVALID',
      `A model without a label is judged by how it reproduces its one input; this one has ${inputs.length}.`,
    );
  throw new PerennialError('DATA_INVALID', 'The examples hold no label tensor.', { hint: 'Name the label in the ingest step.' });
}

function concat<T extends Float32Array | Float64Array>(parts: readonly ArrayLike<number>[], make: (length: number) => T): T {
  const all = make(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** How a model cuts rows into windows, and the type of the column that orders them. */
export type Sequence = FittedSequence & { readonly byType: Column['type'] };

/** How a fitted preprocessor cuts rows into windows; undefined where an example is a row. */
export function sequenceOf(preprocessor: JsonObject): Sequence | undefined {
  const sequence = preprocessor['sequence'] as unknown as (Partial<Sequence> & Pick<Sequence, 'by'>) | null | undefined;
  if (sequence === null || sequence === undefined || sequence.size === undefined) return undefined;
  return { byType: 'timestamp', ...sequence, size: sequence.size, horizon: sequence.horizon ?? 1 };
}

/** Rows before a label that its window reaches back over. */
export function reachOf(sequence: Sequence | undefined): number {
  return sequence === undefined ? 0 : sequence.size + sequence.horizon - 1;
}

/** Scores raw rows as a server would: through the model's own preprocessing. */
export class RawScorer {
  readonly #predictor: Predictor;
  readonly #preprocessor: Preprocessor;
  readonly #parts: Float32Array[] = [];
  readonly #ends: number[] = [];
  /** The last rows of each series, with their places. */
  readonly #kept = new Map<string, { readonly row: Row; readonly place: number }[]>();

  constructor(predictor: Predictor, preprocessor: Preprocessor) {
    this.#predictor = predictor;
    this.#preprocessor = preprocessor;
  }

  /** Whether the model tells series apart. */
  get severalSeries(): boolean {
    return this.#preprocessor.series?.sequence.key !== undefined;
  }

  /** The series of each row; undefined where there is one. @throws DATA_INVALID */
  async keysOf(rows: readonly Row[]): Promise<readonly string[] | undefined> {
    return this.#preprocessor.series?.keys(rows);
  }

  /** Rows in the order of the split, batch after batch. Windows reach over the ends of batches. @param places of the rows, ascending */
  async add(rows: readonly Row[], places: (row: number) => number): Promise<void> {
    for (let start = 0; start < rows.length; start += BATCH_ROWS) {
      await this.#addSome(rows.slice(start, start + BATCH_ROWS).map((row, at) => ({ row, place: places(start + at) })));
    }
  }

  async #addSome(rows: readonly { readonly row: Row; readonly place: number }[]): Promise<void> {
    const { series, windowSize } = this.#preprocessor;
    if (series === undefined) {
      this.#parts.push(await this.#predictor.predict(await this.#preprocessor.apply(rows.map(({ row }) => row))));
      for (const { place } of rows) this.#ends.push(place);
      return;
    }
    const keys = await series.keys(rows.map(({ row }) => row));
    const past = [...new Set(keys ?? [''])].flatMap((key) => this.#kept.get(key) ?? []).sort((a, b) => a.place - b.place);
    const all = [...past, ...rows];
    const found =
      all.length < windowSize
        ? undefined
        : await series.windows(
            all.map(({ row }) => row),
            { mayBeNone: true },
          );
    if (found !== undefined && found.ends.length > 0) {
      this.#parts.push(await this.#predictor.predict(found.tensors));
      for (const end of found.ends) this.#ends.push(all[end]!.place);
    }
    rows.forEach((row, at) => {
      const kept = this.#kept.get(keys?.[at] ?? '') ?? [];
      kept.push(row);
      if (kept.length >= windowSize) kept.splice(0, kept.length - windowSize + 1);
      this.#kept.set(keys?.[at] ?? '', kept);
    });
  }

  /** The places of the last rows of what was predicted: of a window, or the row itself. */
  finish(): { readonly rows: number; readonly predictions: Float32Array; readonly ends: readonly number[] } {
    return { rows: this.#ends.length, predictions: concat(this.#parts, (length) => new Float32Array(length)), ends: this.#ends };
  }
}
