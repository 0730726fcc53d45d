import { ExactSum, exactSum } from './exact-sum.ts';
import { undefinedMetric } from '../metric.ts';
import type { Average, ClassChunk, ErrorChunk, MetricContext, NumberChunk } from '../metric.ts';

/** An array of float64 that grows by doubling. */
export class Float64List {
  #data = new Float64Array(64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(values: ArrayLike<number>): void {
    const needed = this.#length + values.length;
    if (needed > this.#data.length) {
      const larger = new Float64Array(Math.max(needed, this.#data.length * 2));
      larger.set(this.values());
      this.#data = larger;
    }
    this.#data.set(values, this.#length);
    this.#length = needed;
  }

  /** A view, valid until the next push. */
  values(): Float64Array {
    return this.#data.subarray(0, this.#length);
  }
}

/** Counts of rows by true class (row) and predicted class (column). */
export interface ConfusionState {
  readonly size: number;
  readonly counts: Float64Array;
}

export const confusion = {
  init: (_config: unknown, context: MetricContext): ConfusionState => ({
    size: context.classes.length,
    counts: new Float64Array(context.classes.length ** 2),
  }),
  update(state: ConfusionState, chunk: ClassChunk): void {
    for (let row = 0; row < chunk.rows; row++)
      state.counts[chunk.labels[row]! * state.size + chunk.predicted[row]!]! += chunk.weights?.[row] ?? 1;
  },
  merge(state: ConfusionState, other: ConfusionState): void {
    for (let i = 0; i < other.counts.length; i++) state.counts[i]! += other.counts[i]!;
  },
};

export interface ConfusionTotals {
  readonly rows: number;
  readonly correct: number;
  /** Rows per true class. */
  readonly support: Float64Array;
  /** Rows per predicted class. */
  readonly predicted: Float64Array;
  readonly hits: Float64Array;
}

/** @throws undefinedMetric for a set without rows. */
export function totalsOf(state: ConfusionState, metric: string): ConfusionTotals {
  const { size, counts } = state;
  const support = new Float64Array(size);
  const predicted = new Float64Array(size);
  const hits = new Float64Array(size);
  let rows = 0;
  let correct = 0;
  for (let truth = 0; truth < size; truth++) {
    for (let guess = 0; guess < size; guess++) {
      const count = counts[truth * size + guess]!;
      support[truth]! += count;
      predicted[guess]! += count;
      rows += count;
      if (truth === guess) {
        hits[truth] = count;
        correct += count;
      }
    }
  }
  if (rows === 0) throw undefinedMetric(metric, 'the set has no rows, or none with a weight above 0');
  return { rows, correct, support, predicted, hits };
}

const ABSENT_NAMED = 5;

/** Which of more than two classes have no rows, in a sentence; undefined where all have some. */
export function absentClasses(support: ArrayLike<number>, { classes }: MetricContext): string | undefined {
  const absent = classes.filter((_, index) => support[index] === 0);
  if (classes.length < 3 || absent.length === 0) return undefined;
  const more = absent.length > ABSENT_NAMED ? ` and ${absent.length - ABSENT_NAMED} more` : '';
  return `over the ${classes.length - absent.length} of ${classes.length} classes that occur: no row is of ${absent
    .slice(0, ABSENT_NAMED)
    .map((name) => JSON.stringify(name))
    .join(', ')}${more}`;
}

/** Which classes an average over the classes that occur is not about. */
export function noteOfAbsent(state: ConfusionState, _config: unknown, context: MetricContext): string | undefined {
  const { size, counts } = state;
  return absentClasses(
    Array.from({ length: size }, (_, truth) => counts.subarray(truth * size, (truth + 1) * size).reduce((sum, count) => sum + count, 0)),
    context,
  );
}

export interface AverageConfig {
  readonly average?: Average;
  readonly zeroDivision?: 0 | 1 | 'error';
}

/** As {@link noteOfAbsent}, for averages that a class which is predicted, but does not occur, takes part in. */
export function noteOfAverage(state: ConfusionState, { average = 'auto' }: AverageConfig, context: MetricContext): string | undefined {
  if (average !== 'auto' && average !== 'macro') return undefined;
  const { size, counts } = state;
  const seen = new Float64Array(size);
  counts.forEach((count, at) => {
    seen[Math.floor(at / size)]! += count;
    seen[at % size]! += count;
  });
  return absentClasses(seen, context);
}

/**
 * Averages a ratio (numerator over denominator per class) as scikit-learn's `average` does. Classes that neither occur nor are
 * predicted take no part.
 */
export function averageRatio(
  metric: string,
  state: ConfusionState,
  config: AverageConfig,
  context: MetricContext,
  ratio: (hits: number, predicted: number, support: number) => readonly [number, number],
): number {
  const totals = totalsOf(state, metric);
  const average = config.average ?? 'auto';
  const divide = ([top, bottom]: readonly [number, number], of: string): number => {
    if (bottom !== 0) return top / bottom;
    const value = config.zeroDivision ?? 0;
    if (value === 'error') throw undefinedMetric(metric, `${of} gives 0/0`, 'Set "zeroDivision" to 0 or 1, or use a larger test split.');
    return value;
  };
  const ofClass = (index: number): number =>
    divide(
      ratio(totals.hits[index]!, totals.predicted[index]!, totals.support[index]!),
      `the class ${JSON.stringify(context.classes[index])}`,
    );
  if (average === 'binary' || (average === 'auto' && context.classes.length === 2)) return ofClass(context.positive);
  if (average === 'micro') return divide(ratio(totals.correct, totals.rows, totals.rows), 'the whole set');
  const sum = new ExactSum();
  let weights = 0;
  for (let index = 0; index < state.size; index++) {
    if (totals.support[index]! + totals.predicted[index]! === 0) continue;
    const weight = average === 'weighted' ? totals.support[index]! : 1;
    sum.add(ofClass(index) * weight);
    weights += weight;
  }
  return sum.value() / weights;
}

/** True class and scores of every row: what ranking metrics need. */
export interface ScoreState {
  readonly labels: Float64List;
  readonly scores: Float64List;
  readonly weights: Float64List;
}

/** Of each row of a chunk. */
function weightsOf(chunk: { readonly rows: number; readonly weights?: Float64Array }): Float64Array {
  return chunk.weights ?? new Float64Array(chunk.rows).fill(1);
}

export const scored = {
  init: (): ScoreState => ({ labels: new Float64List(), scores: new Float64List(), weights: new Float64List() }),
  update(state: ScoreState, chunk: ClassChunk): void {
    state.labels.push(chunk.labels);
    state.scores.push(chunk.scores);
    state.weights.push(weightsOf(chunk));
  },
  merge(state: ScoreState, other: ScoreState): void {
    state.labels.push(other.labels.values());
    state.scores.push(other.scores.values());
    state.weights.push(other.weights.values());
  },
};

/** Per label column, the sum of one term per row. */
export interface SumState {
  rows: number;
  /** Of all rows. */
  readonly weight: ExactSum;
  readonly sums: readonly ExactSum[];
  /** Of how many values there is no term, by the reason. */
  readonly undefinedFor: Map<string, number>;
}

export const summed = {
  init: (_config: unknown, context: MetricContext): SumState => ({
    rows: 0,
    weight: new ExactSum(),
    sums: Array.from({ length: context.width }, () => new ExactSum()),
    undefinedFor: new Map(),
  }),
  /** @param term the term, or why there is none ("whose label is 0") */
  update(state: SumState, chunk: NumberChunk, term: (label: number, prediction: number) => number | string): void {
    for (let i = 0; i < chunk.rows * chunk.width; i++) {
      const value = term(chunk.labels[i]!, chunk.predictions[i]!);
      const weight = chunk.weights?.[Math.floor(i / chunk.width)] ?? 1;
      if (typeof value === 'number') state.sums[i % chunk.width]!.add(value * weight);
      else state.undefinedFor.set(value, (state.undefinedFor.get(value) ?? 0) + 1);
    }
    state.rows += chunk.rows;
    if (chunk.weights === undefined) state.weight.add(chunk.rows);
    else for (const weight of chunk.weights) state.weight.add(weight);
  },
  merge(state: SumState, other: SumState): void {
    state.weight.merge(other.weight);
    for (const [why, count] of other.undefinedFor) state.undefinedFor.set(why, (state.undefinedFor.get(why) ?? 0) + count);
    state.rows += other.rows;
    other.sums.forEach((sum, column) => state.sums[column]!.merge(sum));
  },
  /** Mean over rows, then `finish`, then the mean over label columns. @param instead what to do where the term of a row is not defined */
  result(metric: string, state: SumState, finish: (mean: number) => number = (mean) => mean, instead?: string): number {
    if (state.rows === 0) throw undefinedMetric(metric, 'the set has no rows');
    const reasons = [...state.undefinedFor]
      .sort()
      .map(([why, count]) => `on ${count} of ${state.rows * state.sums.length} ${state.sums.length === 1 ? 'rows' : 'values'}, ${why}`);
    if (reasons.length > 0) throw undefinedMetric(metric, `it is not defined ${reasons.join('; ')}`, instead);
    const weight = requireWeight(metric, state.rows, state.weight.value());
    const columns = state.sums.map((sum) => finish(sum.value() / weight));
    return columns.reduce((total, value) => total + value, 0) / columns.length;
  },
};

/** Labels and predictions of every row: what medians and explained variance need. */
export interface PairState {
  readonly labels: Float64List;
  readonly predictions: Float64List;
  /** Of each row. */
  readonly weights: Float64List;
}

export const paired = {
  init: (): PairState => ({ labels: new Float64List(), predictions: new Float64List(), weights: new Float64List() }),
  update(state: PairState, chunk: NumberChunk): void {
    state.labels.push(chunk.labels);
    state.predictions.push(chunk.predictions);
    state.weights.push(weightsOf(chunk));
  },
  merge(state: PairState, other: PairState): void {
    state.labels.push(other.labels.values());
    state.predictions.push(other.predictions.values());
    state.weights.push(other.weights.values());
  },
  /** `finish` of each label column, averaged over the columns. */
  result(
    metric: string,
    state: PairState,
    width: number,
    finish: (labels: Float64Array, predictions: Float64Array, weights: Float64Array) => number,
  ): number {
    if (state.labels.length === 0) throw undefinedMetric(metric, 'the set has no rows');
    const weights = state.weights.values();
    requireWeight(
      metric,
      weights.length,
      exactSum(weights.length, (row) => weights[row]!),
    );
    let total = 0;
    for (let column = 0; column < width; column++)
      total += finish(columnOf(state.labels.values(), width, column), columnOf(state.predictions.values(), width, column), weights);
    return total / width;
  },
};

/**
 * Sum of squared distances of the labels from their mean, which r2 and its like divide by.
 *
 * @throws undefinedMetric where all labels are the same number
 */
export function spreadOfLabels(metric: string, labels: Float64Array, weights: Float64Array): number {
  const rows = labels.length;
  const mean = exactSum(rows, (row) => labels[row]! * weights[row]!) / exactSum(rows, (row) => weights[row]!);
  const first = labels[weights.findIndex((weight) => weight > 0)];
  const constant = labels.every((label, row) => label === first || weights[row] === 0);
  const total = constant ? 0 : exactSum(rows, (row) => weights[row]! * (labels[row]! - mean) ** 2);
  if (total === 0)
    throw undefinedMetric(
      metric,
      `all ${rows} labels are ${first}, so there is no variance of which a share could be explained`,
      'Ask for "meanAbsoluteError" or "rootMeanSquaredError", or use a larger test split.',
    );
  return total;
}

function columnOf(values: Float64Array, width: number, column: number): Float64Array {
  if (width === 1) return values;
  return Float64Array.from({ length: values.length / width }, (_, row) => values[row * width + column]!);
}

/** @throws undefinedMetric where all rows have the weight 0 */
export function requireWeight(metric: string, rows: number, weight: number): number {
  if (weight === 0) throw undefinedMetric(metric, `each of the ${rows} rows has the weight 0`, 'Give the test rows weights above 0.');
  return weight;
}

/** A number of every normal row: of all rows where nobody says which are normal. */
export interface ErrorState {
  readonly values: Float64List;
  readonly weights: Float64List;
}

export const gathered = {
  init: (): ErrorState => ({ values: new Float64List(), weights: new Float64List() }),
  merge(state: ErrorState, other: ErrorState): void {
    state.values.push(other.values.values());
    state.weights.push(other.weights.values());
  },
};

/** Weighted mean of the values. @throws undefinedMetric without normal rows */
export function meanOfNormal(metric: string, state: ErrorState): number {
  const [values, weights] = [state.values.values(), state.weights.values()];
  if (values.length === 0) throw undefinedMetric(metric, 'the set has no normal rows');
  const weight = exactSum(values.length, (row) => weights[row]!);
  return exactSum(values.length, (row) => values[row]! * weights[row]!) / requireWeight(metric, values.length, weight);
}

export function weightsOfNormal(chunk: ClassChunk | ErrorChunk): Float64Array {
  const weights = weightsOf(chunk);
  return chunk.kind === 'errors' ? weights : weights.filter((_, row) => chunk.labels[row] === 0);
}

export function errorsOfNormal(chunk: ClassChunk | ErrorChunk): Float64Array {
  return chunk.kind === 'errors' ? chunk.errors : chunk.errors!.filter((_, row) => chunk.labels[row] === 0);
}

export function flagsOfNormal(chunk: ClassChunk | ErrorChunk): Int32Array {
  return chunk.kind === 'errors' ? chunk.flagged : chunk.predicted.filter((_, row) => chunk.labels[row] === 0);
}
