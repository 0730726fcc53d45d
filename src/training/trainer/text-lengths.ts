import { PerennialError, isPerennialError, messageOf } from '../../core/errors.ts';
import type { Prng } from '../../core/prng.ts';
import type { Tensor as Values, TensorBatch, TensorSpec } from '../../core/tensor.ts';
import type { LabelledBatch, Objective } from '../objectives/objective.ts';
import type { LabelledTensors } from '../objectives/labelled.ts';
import { loadTf } from '../tensorflow/tf.ts';
import type { Tensor } from '../tensorflow/tf.ts';
import type { EpochOrder } from './epoch-order.ts';
import type { RowReader } from './row-reader.ts';

/** How long the texts of a split are, and the few lengths that batches are padded to. */
export interface TextLengths {
  /** The input of token ids. */
  readonly input: string;
  /** Tokens of each row, as the place among the buckets: the first that is long enough. */
  readonly bucketOf: Uint8Array;
  /** Rising. */
  readonly buckets: readonly number[];
  /** Steps of padding behind a text that the loss reads. */
  readonly behind: number;
}

/** Texts are not cut shorter: layers have windows. */
const LEAST = 8;
/** Lengths that buckets are chosen from, at most. */
const LEVELS = 256;
const ROWS_PER_READ = 4_096;

/**
 * Reads all texts once.
 *
 * @param most buckets @param behind steps of padding behind a text that the loss reads
 * @throws CONFIG_INVALID where there is not one text; DATA_INVALID for texts that are padded before their tokens
 */
export function measureTexts(reader: RowReader, inputs: readonly TensorSpec[], most: number, behind = 0): TextLengths {
  const texts = inputs.filter(({ shape, vocabularySize }) => vocabularySize !== undefined && shape.length === 1 && shape[0]! > 1);
  const [text] = texts;
  if (texts.length !== 1) {
    throw new PerennialError(
      'CONFIG_INVALID',
      `"batches" by length needs one text as token ids, and the inputs hold ${texts.length === 0 ? 'none' : texts.map(({ name }) => `"${name}"`).join(', ')}.`,
      { hint: 'Leave "batches" out, or tokenize one text column in the preprocess step.' },
    );
  }
  const { name, shape } = text!;
  const steps = shape[0]!;
  const lengths = new Int32Array(reader.rows);
  for (let start = 0; start < reader.rows; start += ROWS_PER_READ) {
    const { data, rows } = reader.read(start, Math.min(ROWS_PER_READ, reader.rows - start), [name])[name]!;
    for (let row = 0; row < rows; row++) {
      let length = steps;
      while (length > 0 && data[row * steps + length - 1] === 0) length--;
      if (length > 0 && data[row * steps] === 0)
        throw new PerennialError(
          'DATA_INVALID',
          `The text "${name}" is padded before its tokens (row ${start + row}), and batches by length take padding off its end.`,
          { hint: 'Use { "tokenize": { …, "padding": "post" } }, the default, or leave "batches" out.' },
        );
      lengths[start + row] = length + behind;
    }
  }
  const buckets = chooseBuckets(lengths, steps, most);
  return {
    input: name,
    buckets,
    behind,
    bucketOf: Uint8Array.from(lengths, (length) => buckets.findIndex((bucket) => bucket >= Math.min(steps, length))),
  };
}

/** The lengths that make the least padding, the longest text among them: dynamic programming over lengths rounded up to {@link LEVELS}. */
export function chooseBuckets(lengths: ArrayLike<number>, steps: number, most: number): readonly number[] {
  const least = Math.min(LEAST, steps);
  const unit = Math.ceil(steps / LEVELS);
  const counts = new Map<number, number>();
  for (let row = 0; row < lengths.length; row++) {
    const level = Math.min(steps, Math.max(least, Math.ceil(lengths[row]! / unit) * unit));
    counts.set(level, (counts.get(level) ?? 0) + 1);
  }
  const levels = [...counts.keys()].sort((a, b) => a - b);
  const upTo = levels.reduce<number[]>((sums, level) => [...sums, sums.at(-1)! + counts.get(level)!], [0]);
  // cost[n][end]: tokens where the first `end` levels are covered by n buckets.
  let cost = levels.map((level, index) => level * upTo[index + 1]!);
  const cuts: number[][] = [levels.map(() => 0)];
  for (let bucket = 1; bucket < Math.min(most, levels.length); bucket++) {
    const before = cost;
    const cut = levels.map(() => 0);
    cost = levels.map((level, end) => {
      let best = before[end]!;
      cut[end] = -1;
      for (let start = 1; start <= end; start++) {
        const tokens = before[start - 1]! + level * (upTo[end + 1]! - upTo[start]!);
        if (tokens < best) [best, cut[end]] = [tokens, start];
      }
      return best;
    });
    cuts.push(cut);
  }
  const buckets: number[] = [];
  for (let end = levels.length - 1, bucket = cuts.length - 1; end >= 0 && bucket >= 0; bucket--) {
    const cut = cuts[bucket]![end]!;
    if (cut === -1) continue;
    buckets.unshift(levels[end]!);
    end = cut - 1;
  }
  return buckets;
}

/**
 * Brings texts of similar length into one batch: within each window of an epoch, rows are put in order of their buckets, cut into
 * batches, and the batches put into a random order. What lies across windows, and a smaller last batch, stays as it is.
 *
 * @param batchSize rows of a batch @returns the same rows in another order
 */
export function orderByLength(
  order: Int32Array,
  windows: EpochOrder['windows'],
  { bucketOf, buckets }: TextLengths,
  batchSize: number,
  prng: Prng,
): Int32Array {
  const result = order.slice();
  for (const { start, end } of windows) {
    const from = Math.ceil(start / batchSize) * batchSize;
    const batches = Math.floor(end / batchSize) - from / batchSize;
    if (batches < 2) continue;
    const rows = order.subarray(from, from + batches * batchSize);
    const sorted = Int32Array.from(buckets.flatMap((_, bucket) => Array.from(rows).filter((row) => bucketOf[row] === bucket)));
    prng
      .shuffle(Int32Array.from({ length: batches }, (_, index) => index))
      .forEach((batch, place) => result.set(sorted.subarray(batch * batchSize, (batch + 1) * batchSize), from + place * batchSize));
  }
  return result;
}

/** Rows of a batch, and the length of its texts. */
export interface BatchShape {
  readonly rows: number;
  readonly length: number;
}

/** All shapes that batches will have: a smaller last batch has the full length. */
export function batchShapes({ buckets }: TextLengths, rows: number, batchSize: number): BatchShape[] {
  const last = rows % batchSize;
  return [
    ...(rows >= batchSize ? buckets.map((length) => ({ rows: batchSize, length })) : []),
    ...(last > 0 ? [{ rows: last, length: buckets.at(-1)! }] : []),
  ];
}

/** Length that the texts of some rows are padded to. */
export function lengthOf(rows: Int32Array, { bucketOf, buckets }: TextLengths, batchSize: number): number {
  if (rows.length < batchSize) return buckets.at(-1)!;
  return buckets[rows.reduce((largest, row) => Math.max(largest, bucketOf[row]!), 0)]!;
}

/** A batch whose texts are cut to a length. */
export function cutTexts(batch: TensorBatch, input: string, length: number): TensorBatch {
  const { spec, rows, data } = batch[input]!;
  const steps = spec.shape[0]!;
  if (steps === length) return batch;
  const cut = new Int32Array(rows * length);
  for (let row = 0; row < rows; row++) cut.set((data as Int32Array).subarray(row * steps, row * steps + length), row * length);
  return { ...batch, [input]: { spec: { ...spec, shape: [length] }, rows, data: cut } satisfies Values };
}

/** What padding must not change: the loss of a text. Asked of the initial weights. @throws MODEL_INVALID where it does */
export function requireSameWithoutPadding(objective: Objective, { input, buckets, behind }: TextLengths, first: TensorBatch): void {
  const { spec, rows, data } = first[input]!;
  const steps = spec.shape[0]!;
  const length = buckets[0]!;
  if (length === steps) return;
  const short = Int32Array.from(data, (id, at) => (at % steps < length - behind ? id : 0));
  const whole = objective.batch({ ...first, [input]: { spec, rows, data: short } });
  const cut = objective.batch(cutTexts({ ...first, [input]: { spec, rows, data: short } }, input, length));
  const refuse = (why: string, cause?: unknown): never => {
    throw new PerennialError('MODEL_INVALID', `"batches" by length take padding away, which must not matter to the model: ${why}.`, {
      hint: 'Leave "batches" out; or let padding not count: "maskZero": true of the embedding, and layers that know masks (recurrent layers, attention, average pooling), as in the architectures rnn and transformer.',
      cause,
    });
  };
  try {
    const [padded, bare] = [lossesOf(objective, whole), lossesOf(objective, cut)];
    const other = padded.findIndex((loss, row) => Math.abs(loss - bare[row]!) > 1e-4 * Math.max(1, Math.abs(loss)));
    if (other !== -1)
      refuse(
        `the loss of a text of ${length} tokens is ${padded[other]!.toPrecision(6)} with padding up to ${steps}, and ${bare[other]!.toPrecision(6)} without`,
      );
  } catch (error) {
    if (isPerennialError(error)) throw error;
    refuse(`its layers read ${steps} tokens, and fail for ${length} (${messageOf(error).split('\n')[0]})`, error);
  }
}

function lossesOf(objective: Objective, batch: LabelledBatch): number[] {
  const tf = loadTf();
  const initial = objective.initialWeights(1);
  return tf.tidy(() => {
    const weights = new Map(
      objective.weights.map(({ fullName, shape }) => [fullName, tf.tensor(initial.get(fullName)!, [...shape], 'float32') as Tensor]),
    );
    const tensors: LabelledTensors = {
      inputs: objective.inputTensors(tf, batch.inputs),
      labels: Object.fromEntries(
        objective.labels.map(({ name, shape, dtype }) => [name, tf.tensor(batch.labels[name]!, [batch.rows, ...shape], dtype)]),
      ),
    };
    return Array.from(objective.evaluate(tf, weights, tensors).losses.dataSync());
  });
}
