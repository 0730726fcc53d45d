import { Prng } from '../../core/prng.ts';
import { pauses } from '../../platform/pauses.ts';
import { metricOrNull } from './compute.ts';
import type { ResolvedMetric } from '../metrics/resolve-metrics.ts';
import { pickRows } from './chunk.ts';
import type { Chunk } from '../metrics/metric.ts';
import { quantile } from '../metrics/shared/quantile.ts';

const RESAMPLES_MAX = 1_000;
const RESAMPLES_MIN = 200;
/** Rows drawn over all resamples: keeps the interval of a large set within seconds. A large set needs fewer resamples. */
const ROWS_DRAWN_MAX = 5_000_000;

export interface DifferenceInterval {
  /** Challenger minus champion, on the set itself. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  readonly resamples: number;
}

export interface BootstrapOptions {
  readonly seed: number;
  /** Default 0.95. */
  readonly confidence?: number;
  readonly signal?: AbortSignal;
}

/**
 * Percentile interval of the difference of each metric between two models on the same rows: rows are drawn with replacement, both
 * models judged on the same draw. Draws on which a metric is undefined are left out. Null where it is undefined on the set itself.
 *
 * @see Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13
 */
export async function pairedBootstrap(
  metrics: readonly ResolvedMetric[],
  challenger: Chunk,
  champion: Chunk,
  options: BootstrapOptions,
): Promise<Record<string, DifferenceInterval | null>> {
  const rows = challenger.rows;
  const confidence = options.confidence ?? 0.95;
  const resamples = Math.max(RESAMPLES_MIN, Math.min(RESAMPLES_MAX, Math.floor(ROWS_DRAWN_MAX / rows)));
  const random = new Prng('paired-bootstrap', options.seed);
  const differences = metrics.map((): number[] => []);
  const indices = new Int32Array(rows);
  const pause = pauses(options.signal);
  for (let resample = 0; resample < resamples; resample++) {
    for (let i = 0; i < rows; i++) indices[i] = random.below(rows);
    const [ours, theirs] = [pickRows(challenger, indices), pickRows(champion, indices)];
    for (const [index, metric] of metrics.entries()) {
      const [a, b] = [metricOrNull(metric, ours), metricOrNull(metric, theirs)];
      if (a !== null && b !== null) differences[index]!.push(a - b);
      await pause();
    }
  }
  return Object.fromEntries(
    metrics.map((metric, index) => [metric.key, intervalOf(metric, challenger, champion, differences[index]!, confidence)]),
  );
}

function intervalOf(
  metric: ResolvedMetric,
  challenger: Chunk,
  champion: Chunk,
  differences: number[],
  confidence: number,
): DifferenceInterval | null {
  const [ours, theirs] = [metricOrNull(metric, challenger), metricOrNull(metric, champion)];
  if (ours === null || theirs === null || differences.length === 0) return null;
  const sorted = differences.sort((a, b) => a - b);
  const tail = (1 - confidence) / 2;
  return { difference: ours - theirs, low: quantile(sorted, tail), high: quantile(sorted, 1 - tail), confidence, resamples: sorted.length };
}

/** How far a metric would be elsewhere if other rows of the same kind had been in the set. */
export interface MetricInterval {
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  readonly resamples: number;
}

/** Of intervals that nobody decides by: rows drawn over all resamples, which takes about a second. */
const OWN_ROWS_DRAWN_MAX = 1_000_000;
const OWN_RESAMPLES_MAX = 500;
/** Of fewer draws the tails say little: their spread does. */
const OWN_RESAMPLES_MIN = 50;
const PERCENTILES_FROM = 200;

/**
 * 95 % interval of each metric: rows are drawn with replacement. Of many rows fewer resamples are drawn, and the interval is the normal
 * one of their spread. Null where the metric is not defined on most of the draws.
 *
 * @see Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 12 and 13
 */
export async function metricIntervals(
  metrics: readonly ResolvedMetric[],
  chunk: Chunk,
  options: BootstrapOptions,
): Promise<Record<string, MetricInterval | null>> {
  const { rows } = chunk;
  const confidence = options.confidence ?? 0.95;
  const resamples = Math.max(OWN_RESAMPLES_MIN, Math.min(OWN_RESAMPLES_MAX, Math.floor(OWN_ROWS_DRAWN_MAX / rows)));
  const random = new Prng('bootstrap', options.seed);
  const drawn = metrics.map((): number[] => []);
  const indices = new Int32Array(rows);
  const pause = pauses(options.signal);
  for (let resample = 0; resample < resamples; resample++) {
    for (let i = 0; i < rows; i++) indices[i] = random.below(rows);
    const set = pickRows(chunk, indices);
    for (const [index, metric] of metrics.entries()) {
      const value = metricOrNull(metric, set);
      if (value !== null) drawn[index]!.push(value);
      await pause();
    }
  }
  return Object.fromEntries(
    metrics.map((metric, index) => {
      const own = drawn[index]!;
      const value = metricOrNull(metric, chunk);
      if (value === null || own.length < resamples / 2) return [metric.key, null];
      return [metric.key, { ...rangeOf(metric, value, own, confidence), confidence, resamples: own.length }];
    }),
  );
}

/** Standard normal quantile of the upper end of a 95 % interval; other confidences take the percentiles. */
const NORMAL_95 = 1.959964;

function rangeOf({ definition }: ResolvedMetric, value: number, drawn: number[], confidence: number): { low: number; high: number } {
  const tail = (1 - confidence) / 2;
  if (drawn.length >= PERCENTILES_FROM || confidence !== 0.95) {
    const sorted = drawn.sort((a, b) => a - b);
    return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
  }
  const mean = drawn.reduce((sum, one) => sum + one, 0) / drawn.length;
  const spread = Math.sqrt(drawn.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (drawn.length - 1));
  const [lowest, highest] = definition.range;
  return {
    low: Math.max(lowest ?? -Infinity, value - NORMAL_95 * spread),
    high: Math.min(highest ?? Infinity, value + NORMAL_95 * spread),
  };
}
