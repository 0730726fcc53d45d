import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { metricIntervals, pairedBootstrap } from '../../../src/evaluation/measure/bootstrap.ts';
import { quantile } from '../../../src/evaluation/metrics/shared/quantile.ts';
import { resolveMetrics } from '../../../src/evaluation/metrics/resolve-metrics.ts';
import { toChunk } from '../../../src/evaluation/measure/chunk.ts';
import type { Chunk } from '../../../src/evaluation/metrics/metric.ts';

const metrics = resolveMetrics(['accuracy']);
const chunkOf = (right: (row: number) => boolean, rows = 400): Chunk =>
  toChunk({
    output: { kind: 'classes', name: 'y', classes: ['a', 'b'] },
    predictions: Float32Array.from({ length: rows }, (_, row) => (right(row) ? 0.9 : 0.1)),
    labels: new Int32Array(rows).fill(1),
    rows,
  });

describe('pairedBootstrap', () => {
  it('has the width that theory gives', async () => {
    const random = new Prng('bootstrap-test');
    const hits = Array.from({ length: 400 }, () => [random.uniform() < 0.9, random.uniform() < 0.85] as const);
    const result = await pairedBootstrap(
      metrics,
      chunkOf((row) => hits[row]![0]),
      chunkOf((row) => hits[row]![1]),
      { seed: 1 },
    );
    const { difference, low, high, resamples } = result['accuracy']!;
    // Standard error of the mean of the paired differences.
    const differences = hits.map(([ours, theirs]) => Number(ours) - Number(theirs));
    const mean = differences.reduce((sum, one) => sum + one, 0) / 400;
    const error = Math.sqrt(differences.reduce((sum, one) => sum + (one - mean) ** 2, 0) / 400 / 400);
    expect(difference).toBeCloseTo(mean, 12);
    expect(resamples).toBe(1000);
    expect((high - low) / (2 * 1.96 * error)).toBeGreaterThan(0.85);
    expect((high - low) / (2 * 1.96 * error)).toBeLessThan(1.15);
  });

  it('sees that paired models are equal where they are', async () => {
    const chunk = chunkOf((row) => row % 3 > 0);
    expect(await pairedBootstrap(metrics, chunk, chunk, { seed: 1 })).toMatchObject({ accuracy: { difference: 0, low: 0, high: 0 } });
  });

  it('depends on the seed alone', async () => {
    const [a, b] = [chunkOf((row) => row % 7 > 0), chunkOf((row) => row % 5 > 0)];
    const once = await pairedBootstrap(metrics, a, b, { seed: 1 });
    expect(await pairedBootstrap(metrics, a, b, { seed: 1 })).toEqual(once);
    const others = await Promise.all([2, 3, 4].map((seed) => pairedBootstrap(metrics, a, b, { seed })));
    expect(
      others.some((other) => other['accuracy']!.low !== once['accuracy']!.low || other['accuracy']!.high !== once['accuracy']!.high),
    ).toBe(true);
  });

  it('gives null where a metric is undefined, and stops when told to', async () => {
    const chunk = chunkOf(() => true, 20);
    expect(await pairedBootstrap(resolveMetrics(['rocAuc']), chunk, chunk, { seed: 1 })).toEqual({ rocAuc: null });
    await expect(pairedBootstrap(metrics, chunk, chunk, { seed: 1, signal: AbortSignal.abort() })).rejects.toThrow();
  });
});

describe('quantile', () => {
  it('interpolates between order statistics', () => {
    expect([0, 0.25, 0.5, 1].map((share) => quantile([1, 2, 3, 4], share))).toEqual([1, 1.75, 2.5, 4]);
  });
});

describe('metricIntervals', () => {
  it.each([400, 15_000])('has the width that theory gives: of %d rows', async (rows) => {
    const random = new Prng('interval-test');
    const hits = Array.from({ length: rows }, () => random.uniform() < 0.9);
    const chunk = chunkOf((row) => hits[row]!, rows);
    const { low, high } = (await metricIntervals(metrics, chunk, { seed: 1 }))['accuracy']!;
    const share = hits.filter(Boolean).length / rows;
    const error = Math.sqrt((share * (1 - share)) / rows);
    expect(low).toBeLessThan(share);
    expect(high).toBeGreaterThan(share);
    // Of few draws the spread itself is known to a tenth.
    expect((high - low) / (2 * 1.96 * error)).toBeGreaterThan(0.8);
    expect((high - low) / (2 * 1.96 * error)).toBeLessThan(1.2);
  });

  it('stays within the range of the metric, depends on the seed alone, and is null where the metric is not defined', async () => {
    const chunk = chunkOf((row) => row > 0, 30_000);
    const once = await metricIntervals(metrics, chunk, { seed: 1 });
    expect(once['accuracy']!.high).toBeLessThanOrEqual(1);
    expect(await metricIntervals(metrics, chunk, { seed: 1 })).toEqual(once);
    expect(
      await metricIntervals(
        resolveMetrics(['rocAuc']),
        chunkOf(() => true, 20),
        { seed: 1 },
      ),
    ).toEqual({ rocAuc: null });
  });
});
