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
