import { PerennialError } from '../../core/errors.ts';
import type { AnomalyOutput, OutputSpec } from '../../core/tensor.ts';
import type { Chunk, ClassChunk, ErrorChunk, MetricContext, NumberChunk } from '../metrics/metric.ts';

/** Sums of float32 probabilities stray from 1 by about their number times 2^-24. */
const PROBABILITY_TOLERANCE = 1e-3;

export interface ChunkOptions {
  readonly output: OutputSpec;
  /** Row-major model output: one value per class, or one for two classes (sigmoid: of the second); or `width` numbers. */
  readonly predictions: Float32Array | Float64Array;
  /**
   * Class indices, or numbers as the model learned them (standardized where `output.scale` says so); of anomalies 1 and of other rows 0,
   * or nothing.
   */
  readonly labels: ArrayLike<number>;
  readonly rows: number;
  /** How much each row counts, where rows carry weights. */
  readonly weights?: Float64Array;
  /** Name of the positive class; default: the second in sorted order. */
  readonly positive?: string;
  /** Two classes: the positive one is predicted where its score is above this. Default: the better scored class. */
  readonly threshold?: number;
}

/**
 * Model output and labels → what metrics read, in the units of the source data.
 *
 * @throws DATA_INVALID for empty sets, NaN and infinities; SHAPE_MISMATCH where the lengths do not fit.
 */
export function toChunk(options: ChunkOptions): Chunk {
  const { output, predictions, labels, rows } = options;
  if (rows === 0)
    throw new PerennialError('DATA_INVALID', 'There is nothing to evaluate: the set has no rows.', {
      hint: 'Give the test split a larger share.',
    });
  requireFinite('the model gives', predictions, predictions.length / rows);
  requireFinite('the label is', labels, labels.length / rows);
  if (options.weights !== undefined) requireLength('weights', options.weights.length, rows, 1);
  const weights = options.weights === undefined ? {} : { weights: options.weights };
  if (output.kind === 'classes') return { ...classChunk(options, output.classes), ...weights };
  if (output.kind === 'anomaly') return { ...anomalyChunk(options, output), ...weights };
  const width = output.kind === 'number' ? output.width : labels.length / rows;
  requireLength('labels', labels.length, rows, width);
  requireLength('predictions', predictions.length, rows, width);
  const scale = output.kind === 'number' ? output.scale : undefined;
  const unscale = (value: number): number => (scale === undefined ? value : value * scale.std + scale.mean);
  return {
    kind: 'number',
    rows,
    width,
    labels: Float64Array.from(labels, unscale),
    predictions: Float64Array.from(predictions, unscale),
    ...weights,
  };
}

function classChunk({ predictions, labels, rows, positive, threshold }: ChunkOptions, classes: readonly string[]): ClassChunk {
  requireLength('labels', labels.length, rows, 1);
  const width = predictions.length / rows;
  const chosen = (scores: Float64Array, probabilities: boolean): ClassChunk =>
    chooseClasses(
      {
        kind: 'classes',
        rows,
        classes,
        positive: positiveIndex(classes, positive),
        labels: Int32Array.from(labels),
        scores,
        probabilities,
      },
      threshold,
    );
  if (width === 1 && classes.length === 2) {
    const probabilities = predictions.every((value) => value >= 0 && value <= 1);
    const scores = new Float64Array(rows * 2);
    predictions.forEach((value, row) => {
      scores[row * 2] = probabilities ? 1 - value : -value;
      scores[row * 2 + 1] = value;
    });
    return chosen(scores, probabilities);
  }
  requireLength('predictions', predictions.length, rows, classes.length);
  const scores = Float64Array.from(predictions);
  return chosen(scores, areProbabilities(scores, rows, width));
}

/** Names of the classes that rows are judged by where it is known which are anomalies. */
export const ANOMALY_CLASSES = ['normal', 'anomaly'] as const;

/** Scores are the distances of the errors from the threshold: what is above it counts as an anomaly. */
function anomalyChunk({ predictions, labels, rows, positive, threshold }: ChunkOptions, output: AnomalyOutput): ClassChunk | ErrorChunk {
  requireLength('predictions', predictions.length, rows, 1);
  const limit = threshold ?? output.threshold;
  const errors = Float64Array.from(predictions);
  const flagged = Int32Array.from(errors, (error) => Number(error > limit));
  if (labels.length === 0) return { kind: 'errors', rows, errors, flagged };
  requireLength('labels', labels.length, rows, 1);
  const scores = Float64Array.from({ length: rows * 2 }, (_, at) => (errors[at >> 1]! - limit) * (at % 2 === 0 ? -1 : 1));
  return {
    kind: 'classes',
    rows,
    classes: ANOMALY_CLASSES,
    positive: positiveIndex(ANOMALY_CLASSES, positive),
    labels: Int32Array.from(labels),
    predicted: flagged,
    scores,
    probabilities: false,
    errors,
  };
}

function chooseClasses(chunk: Omit<ClassChunk, 'predicted'>, threshold: number | undefined): ClassChunk {
  const width = chunk.classes.length;
  const predicted = new Int32Array(chunk.rows);
  if (threshold !== undefined && width !== 2) {
    throw new PerennialError('CONFIG_INVALID', `"threshold" is for two classes; the label has ${width}.`, {
      hint: 'Leave "threshold" out.',
    });
  }
  for (let row = 0; row < chunk.rows; row++) {
    if (chunk.labels[row]! < 0 || chunk.labels[row]! >= width) {
      throw new PerennialError(
        'DATA_INVALID',
        `The label of row ${row} is class ${chunk.labels[row]}, and the model knows the classes 0 to ${width - 1}.`,
      );
    }
    if (threshold !== undefined) {
      predicted[row] = chunk.scores[row * 2 + chunk.positive]! > threshold ? chunk.positive : 1 - chunk.positive;
      continue;
    }
    let best = 0;
    for (let column = 1; column < width; column++)
      if (chunk.scores[row * width + column]! > chunk.scores[row * width + best]!) best = column;
    predicted[row] = best;
  }
  return { ...chunk, predicted };
}

/** @throws CONFIG_INVALID where no class has this name. */
export function positiveIndex(classes: readonly string[], positive: string | undefined): number {
  if (positive === undefined) return Math.min(1, classes.length - 1);
  const index = classes.indexOf(positive);
  if (index < 0)
    throw new PerennialError(
      'CONFIG_INVALID',
      `"positive" is ${JSON.stringify(positive)}, and the classes are ${classes.map((name) => JSON.stringify(name)).join(', ')}.`,
    );
  return index;
}

function areProbabilities(scores: Float64Array, rows: number, width: number): boolean {
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let column = 0; column < width; column++) {
      const value = scores[row * width + column]!;
      if (value < 0 || value > 1) return false;
      sum += value;
    }
    if (Math.abs(sum - 1) > PROBABILITY_TOLERANCE) return false;
  }
  return true;
}

function requireFinite(what: string, values: ArrayLike<number>, width: number): void {
  let bad = 0;
  let first = -1;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    bad++;
    if (first < 0) first = i;
  }
  if (bad === 0) return;
  throw new PerennialError(
    'DATA_INVALID',
    `For ${bad} of ${values.length} values ${what} ${values[first]} or the like (first in row ${Math.floor(first / width)} of the set).`,
    {
      hint: 'A model that gives NaN has diverged: lower the learning rate or standardize the features. Missing labels cannot be judged: leave such rows out.',
    },
  );
}

function requireLength(what: string, length: number, rows: number, width: number): void {
  if (length === rows * width) return;
  throw new PerennialError('SHAPE_MISMATCH', `${rows} rows of ${width} value(s) are ${rows * width} ${what}; there are ${length}.`, {
    hint: 'The output of the model has to fit the label.',
  });
}

export function contextOf(chunk: Chunk): MetricContext {
  if (chunk.kind === 'classes') return { classes: chunk.classes, positive: chunk.positive, width: chunk.classes.length };
  return { classes: [], positive: 0, width: chunk.kind === 'number' ? chunk.width : 1 };
}

/** The rows at these indices, in this order; an index may repeat. */
export function pickRows(chunk: Chunk, indices: Int32Array): Chunk {
  const rows = indices.length;
  const weights = chunk.weights === undefined ? {} : { weights: gather(chunk.weights, indices, 1) };
  if (chunk.kind === 'number') {
    return {
      ...chunk,
      rows,
      ...weights,
      labels: gather(chunk.labels, indices, chunk.width),
      predictions: gather(chunk.predictions, indices, chunk.width),
    } satisfies NumberChunk;
  }
  if (chunk.kind === 'errors')
    return {
      ...chunk,
      rows,
      ...weights,
      errors: gather(chunk.errors, indices, 1),
      flagged: Int32Array.from(indices, (index) => chunk.flagged[index]!),
    } satisfies ErrorChunk;
  const labels = new Int32Array(rows);
  const predicted = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    labels[i] = chunk.labels[indices[i]!]!;
    predicted[i] = chunk.predicted[indices[i]!]!;
  }
  return {
    ...chunk,
    rows,
    ...weights,
    labels,
    predicted,
    ...(chunk.errors === undefined ? {} : { errors: gather(chunk.errors, indices, 1) }),
    scores: gather(chunk.scores, indices, chunk.classes.length),
  };
}

function gather(values: Float64Array, indices: Int32Array, width: number): Float64Array {
  const picked = new Float64Array(indices.length * width);
  for (let i = 0; i < indices.length; i++) {
    for (let column = 0; column < width; column++) picked[i * width + column] = values[indices[i]! * width + column]!;
  }
  return picked;
}
