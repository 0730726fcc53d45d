import { PerennialError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { OutputSpec, Row, TensorBatch } from '../core/tensor.ts';
import { ANOMALY, isLabel, labelName, labelsOf } from '../data/examples.ts';
import type { Examples } from '../data/examples.ts';
import type { Preprocessor } from '../data/types.ts';
import type { Predictor } from '../training/types.ts';

/** Examples scored at once: large enough for the tensor library, small enough for images. */
const BATCH_ROWS = 256;

export interface ScoreOptions {
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
export function requireTestRows(rows: number): void {
  if (rows === 0) throw new PerennialError('SPLIT_INVALID', 'There is nothing to evaluate: the test split has no examples.', { hint: 'Give "split.test" of the ingest step a larger share.' });
}

/** Predicts the test split of the examples, batch by batch. */
export async function scoreExamples(predictor: Predictor, examples: Examples, options: ScoreOptions = {}): Promise<Scored> {
  const reader = examples.reader('test');
  try {
    const { rows } = reader;
    requireTestRows(rows);
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
    return { rows, predictions: concat(predictions, (length) => new Float32Array(length)), labels: new Map([...labels].map(([name, parts]) => [name, concat(parts, (length) => new Float64Array(length))])) };
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
  if (missing !== undefined) throw new PerennialError('DATA_INVALID', `The examples hold no label tensor of "${missing.name}".`, { hint: 'Name the label in the ingest step.' });
  if (labels.length > 0) return labels.map(({ name }) => [name, batch[labelName(output, name)]!.data]);
  const inputs = Object.values(batch);
  if (output.kind === 'none' && inputs.length === 1) return [[output.name, inputs[0]!.data]];
  if (output.kind === 'none') throw new PerennialError('CONFIG_INVALID', `A model without a label is judged by how it reproduces its one input; this one has ${inputs.length}.`);
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

export interface Sequence {
  readonly size: number;
  readonly horizon: number;
}

/** How a fitted preprocessor cuts rows into windows; undefined where an example is a row. */
export function sequenceOf(preprocessor: JsonObject): Sequence | undefined {
  const sequence = preprocessor['sequence'] as { size?: number; horizon?: number } | null | undefined;
  if (sequence === null || sequence === undefined || sequence.size === undefined) return undefined;
  return { size: sequence.size, horizon: sequence.horizon ?? 1 };
}

/** Rows before a label that its window reaches back over. */
export function reachOf(sequence: Sequence | undefined): number {
  return sequence === undefined ? 0 : sequence.size + sequence.horizon - 1;
}

/**
 * Index of the test row that holds the label of each example. The windows of the first labels reach back into the splits before; where
 * even those are too short, the first rows have no example.
 */
export function targetsOf(examples: number, rows: number): Int32Array {
  return Int32Array.from({ length: examples }, (_, example) => rows - examples + example);
}

/** Scores raw rows as a server would: through the model's own preprocessing. */
export class RawScorer {
  readonly #predictor: Predictor;
  readonly #preprocessor: Preprocessor;
  readonly #parts: Float32Array[] = [];
  #kept: readonly Row[] = [];
  #examples = 0;

  constructor(predictor: Predictor, preprocessor: Preprocessor) {
    this.#predictor = predictor;
    this.#preprocessor = preprocessor;
  }

  /** Rows in the order of the split, batch after batch. Windows reach over the ends of batches. */
  async add(rows: readonly Row[]): Promise<void> {
    const all = this.#kept.length === 0 ? rows : [...this.#kept, ...rows];
    const { windowSize } = this.#preprocessor;
    if (all.length >= windowSize) {
      const examples = all.length - windowSize + 1;
      for (let start = 0; start < examples; start += BATCH_ROWS) {
        const count = Math.min(BATCH_ROWS, examples - start);
        const batch = await this.#preprocessor.apply(all.slice(start, start + count + windowSize - 1));
        this.#parts.push(await this.#predictor.predict(batch));
        this.#examples += count;
      }
    }
    this.#kept = windowSize === 1 ? [] : all.slice(-(windowSize - 1));
  }

  finish(): { readonly rows: number; readonly predictions: Float32Array } {
    return { rows: this.#examples, predictions: concat(this.#parts, (length) => new Float32Array(length)) };
  }
}
