import { PerennialError } from '../../core/errors.ts';
import type { DatasetProfile } from '../../data/stored/dataset.ts';
import type { Chunk, ClassChunk, NumberChunk } from '../metrics/metric.ts';
import type { EvaluationReport } from '../step/report.ts';
import type { SeriesRows } from '../rows/series-rows.ts';

export interface Baseline extends Pick<EvaluationReport['baseline'], 'kind' | 'description'> {
  /** The naive forecast for the same rows; undefined where none can be made. */
  readonly chunk: Chunk | undefined;
}

const NONE: Baseline = { kind: 'none', description: 'none', chunk: undefined };

/** A naive forecast for each row of a sequence: a label that was known before it, in the units of the source. */
export interface NaiveForecast {
  readonly kind: 'persistence' | 'seasonalNaive';
  readonly description: string;
  /** Undefined where no row lies so far back. */
  valueOf(example: number): number | undefined;
}

/** What a document asks for in the place of persistence. */
export interface BaselineChoice {
  /** Rows of one season. */
  readonly seasonalNaive: number;
}

/** Rows between a label and the one that stands in for it: the last that is known, or the last known of the same place in the season. */
export function naiveLag(horizon: number, choice: BaselineChoice | undefined): number {
  return choice === undefined ? horizon : choice.seasonalNaive * Math.ceil(horizon / choice.seasonalNaive);
}

/**
 * Within its series and without a gap between. Where so long a season lies in no unbroken past of a row, while other rows have it, the
 * last known value stands for it.
 */
export function naiveForecast(
  label: string,
  { before, last, targets, divided }: SeriesRows,
  horizon: number,
  choice: BaselineChoice | undefined,
): NaiveForecast {
  const lag = naiveLag(horizon, choice);
  const season = before.get(label);
  const known = last.get(label);
  const without = season === undefined ? 0 : targets.reduce((count, target) => count + (Number.isNaN(season[target]!) ? 1 : 0), 0);
  const falls = choice !== undefined && divided && without > 0 && without < targets.length;
  return {
    ...(choice === undefined
      ? { kind: 'persistence', description: 'persistence: the last known value' }
      : {
          kind: 'seasonalNaive',
          description: `seasonal naive: the value of ${lag} rows before${falls ? `, and where a series is shorter or has a gap (${without} of ${targets.length} rows) the last known value` : ''}`,
        }),
    valueOf(example) {
      const target = targets[example]!;
      const value = season?.[target] ?? Number.NaN;
      const own = Number.isNaN(value) && falls ? known?.[target] : value;
      return own === undefined || Number.isNaN(own) ? undefined : own;
    },
  };
}

/**
 * The naive forecast that a model has to beat on the same rows: for sequences of numbers the last known value (persistence, or that of
 * the season before), else the mean of the training labels; for classes the most frequent class of training with the shares of training
 * as probabilities.
 */
export function baselineOf(chunk: Chunk, label: string, profile: DatasetProfile, naive: NaiveForecast | undefined): Baseline {
  const column = profile.columns.find((candidate) => candidate.name === label);
  if (chunk.kind === 'number') {
    if (naive !== undefined && chunk.width === 1) {
      const predictions = Float64Array.from({ length: chunk.rows }, (_, example) => naive.valueOf(example) ?? NaN);
      if (predictions.every(Number.isFinite)) return { kind: naive.kind, description: naive.description, chunk: { ...chunk, predictions } };
      if (naive.kind === 'seasonalNaive')
        throw new PerennialError(
          'DATA_INVALID',
          `The baseline reads values that are not there: ${naive.description.replace('seasonal naive: ', '')}, for each of the ${chunk.rows} rows of the test split.`,
          { hint: 'Use a shorter season, or more rows before the test split.' },
        );
    }
    const mean = column?.number?.mean;
    if (mean === undefined || chunk.width !== 1) return NONE;
    return {
      kind: 'mean',
      description: `the mean of the training labels, ${Number(mean.toPrecision(4))}`,
      chunk: constantNumber(chunk, mean),
    };
  }
  if (chunk.kind === 'errors') return NONE;
  const counts = column?.categories?.counts ?? countsOfNumbers(column?.number);
  if (counts === undefined) return NONE;
  const shares = chunk.classes.map((name) => (Object.hasOwn(counts, name) ? counts[name]! : 0));
  const total = shares.reduce((sum, count) => sum + count, 0);
  if (total === 0) return NONE;
  const majority = shares.indexOf(Math.max(...shares));
  return {
    kind: 'majorityClass',
    description: `always "${chunk.classes[majority]}", the most frequent class of training`,
    chunk: constantClass(
      chunk,
      shares.map((count) => count / total),
      majority,
    ),
  };
}

/** Classes that are written as numbers have a profile of numbers; its sample has their shares. */
function countsOfNumbers(number: { readonly sample: readonly number[] } | undefined): Record<string, number> | undefined {
  if (number === undefined) return undefined;
  const counts: Record<string, number> = Object.create(null) as Record<string, number>;
  for (const value of number.sample) counts[String(value)] = (counts[String(value)] ?? 0) + 1;
  return counts;
}

function constantNumber(chunk: NumberChunk, value: number): NumberChunk {
  return { ...chunk, predictions: new Float64Array(chunk.rows * chunk.width).fill(value) };
}

function constantClass(chunk: ClassChunk, shares: readonly number[], majority: number): ClassChunk {
  const scores = new Float64Array(chunk.rows * shares.length);
  for (let row = 0; row < chunk.rows; row++) scores.set(shares, row * shares.length);
  return { ...chunk, scores, predicted: new Int32Array(chunk.rows).fill(majority), probabilities: true };
}
