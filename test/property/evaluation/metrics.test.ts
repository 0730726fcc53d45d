import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactSum } from '../../../src/evaluation/metrics/shared/exact-sum.ts';
import { metricRegistry } from '../../../src/evaluation/metrics/index.generated.ts';
import { contextOf, pickRows, toChunk } from '../../../src/evaluation/measure/chunk.ts';
import type { Chunk, MetricDefinition, SampleChunk, TokenChunk } from '../../../src/evaluation/metrics/metric.ts';

const CLASSES = ['a', 'b', 'c', 'd'];

const classSet = fc
  .array(fc.record({ label: fc.nat({ max: 3 }), scores: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 4, maxLength: 4 }) }), {
    minLength: 8,
    maxLength: 40,
  })
  .map((rows): Chunk => {
    // Every class occurs, so that no metric is undefined.
    const labels = rows.map((row, index) => (index < 4 ? index : row.label));
    const predictions = rows.flatMap(({ scores }) => scores.map((score) => score / scores.reduce((sum, one) => sum + one, 0)));
    return toChunk({
      output: { kind: 'classes', name: 'y', classes: CLASSES },
      predictions: Float32Array.from(predictions),
      labels,
      rows: rows.length,
    });
  });

const numberSet = fc
  .array(fc.record({ label: fc.integer({ min: 1, max: 1000 }), prediction: fc.integer({ min: 1, max: 1000 }) }), {
    minLength: 3,
    maxLength: 40,
  })
  .map((rows): Chunk => {
    const chunk = toChunk({
      output: { kind: 'number', name: 'y', width: 1 },
      predictions: Float64Array.from(rows, (row) => row.prediction / 7),
      labels: rows.map((row) => row.label / 3),
      rows: rows.length,
    });
    return { ...chunk, naiveError: 3 } as Chunk;
  });

const errorSet = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 3, maxLength: 40 }).map((errors): Chunk =>
  toChunk({
    output: {
      kind: 'anomaly',
      name: 'y',
      error: 'squared',
      threshold: 50,
      calibration: { quantile: 0.99, split: 'validation', rows: 10 },
    },
    predictions: Float64Array.from(errors, (error) => error / 7),
    labels: [],
    rows: errors.length,
  }),
);

const SAMPLE_WIDTH = 2;
const sampleSet = fc
  .array(fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 3 * SAMPLE_WIDTH, maxLength: 3 * SAMPLE_WIDTH }), {
    minLength: 4,
    maxLength: 20,
  })
  .map((rows): SampleChunk => {
    const third = (at: number): Float64Array =>
      Float64Array.from(
        rows.flatMap((row, index) =>
          row.slice(at * SAMPLE_WIDTH, (at + 1) * SAMPLE_WIDTH).map((value, column) => value + 7 * (index % 4) * (column + 1 + at)),
        ),
      );
    return { kind: 'samples', rows: rows.length, real: third(0), generated: third(1), untrained: third(2) };
  });

describe.each(metricRegistry.all().filter(({ tasks }) => tasks.includes('generation')))('metric $name', (metric) => {
  it('does not depend on how the samples are split, and stays within its range', () => {
    const context = { classes: [], positive: 0, width: SAMPLE_WIDTH };
    const rowsOf = (chunk: SampleChunk, from: number, to: number): SampleChunk => {
      const part = (values: ArrayLike<number>): number[] => Array.from(values).slice(from * SAMPLE_WIDTH, to * SAMPLE_WIDTH);
      return {
        kind: 'samples',
        rows: to - from,
        real: part(chunk.real),
        generated: part(chunk.generated),
        untrained: part(chunk.untrained),
      };
    };
    fc.assert(
      fc.property(sampleSet, fc.nat(), (chunk, cut) => {
        const at = cut % (chunk.rows + 1);
        const [all, left, right] = [rowsOf(chunk, 0, chunk.rows), rowsOf(chunk, 0, at), rowsOf(chunk, at, chunk.rows)].map(
          (part): unknown => {
            const state: unknown = metric.init({}, context);
            metric.update(state, part, {});
            return state;
          },
        );
        metric.merge(left, right);
        const value = metric.result(all, {}, context);
        expect(value).toBeGreaterThanOrEqual(metric.range[0]! - 1e-6);
        expect(Math.abs(metric.result(left, {}, context) - value)).toBeLessThanOrEqual(1e-6 * (1 + Math.abs(value)));
      }),
      { numRuns: 60 },
    );
  });
});

const places = fc.array(fc.tuple(fc.double({ min: 0, max: 30, noNaN: true }), fc.boolean()), { minLength: 1, maxLength: 30 });

describe.each(metricRegistry.all().filter(({ tasks }) => tasks.includes('language')))('metric $name', (metric) => {
  it('does not depend on how the places are ordered and split, and stays within its range', () => {
    const context = { classes: [], positive: 0, width: 1 };
    const gather = (found: readonly (readonly [number, boolean])[]): unknown => {
      const state: unknown = metric.init({}, context);
      const chunk: TokenChunk = {
        kind: 'tokens',
        rows: found.length,
        losses: Float64Array.from(found, ([loss]) => loss),
        hits: found.map(([, hit]) => (hit ? 1 : 0)),
      };
      metric.update(state, chunk, {});
      return state;
    };
    fc.assert(
      fc.property(places, fc.nat(), (found, cut) => {
        const at = cut % (found.length + 1);
        const value = metric.result(gather(found), {}, context);
        const left = gather(found.slice(at).reverse());
        metric.merge(left, gather(found.slice(0, at)));
        expect(metric.result(left, {}, context)).toBe(value);
        expect(value).toBeGreaterThanOrEqual(metric.range[0]!);
        expect(value).toBeLessThanOrEqual(metric.range[1] ?? Infinity);
      }),
      { numRuns: 60 },
    );
  });
});

function whole(metric: MetricDefinition, chunk: Chunk): number {
  const state: unknown = metric.init({}, contextOf(chunk));
  metric.update(state, chunk, {});
  return metric.result(state, {}, contextOf(chunk));
}

function inParts(metric: MetricDefinition, chunk: Chunk, order: readonly number[], cut: number): number {
  const context = contextOf(chunk);
  const part = (from: number, to: number): Chunk => pickRows(chunk, Int32Array.from(order.slice(from, to)));
  const left: unknown = metric.init({}, context);
  const right: unknown = metric.init({}, context);
  metric.update(left, part(0, cut), {});
  for (let row = cut; row < order.length; row++) metric.update(right, part(row, row + 1), {});
  metric.merge(left, right);
  return metric.result(left, {}, context);
}

describe.each(metricRegistry.all().filter(({ tasks }) => !tasks.includes('generation') && !tasks.includes('language')))(
  'metric $name',
  (metric) => {
    const sets = metric.tasks.includes('regression') ? numberSet : metric.tasks.includes('reconstruction') ? errorSet : classSet;

    it('does not depend on the order of the rows, nor on how they are split', () => {
      fc.assert(
        fc.property(sets, fc.infiniteStream(fc.nat()), fc.nat(), (chunk, keys, cut) => {
          const order = Array.from({ length: chunk.rows }, (_, row) => ({ row, key: keys.next().value as number }))
            .sort((a, b) => a.key - b.key)
            .map(({ row }) => row);
          // Sums are exact and ranks are exact: not "close", but the same bits.
          expect(inParts(metric, chunk, order, cut % (chunk.rows + 1))).toBe(whole(metric, chunk));
        }),
        { numRuns: 60 },
      );
    });

    it('stays within its range', () => {
      const [low, high] = metric.range;
      fc.assert(
        fc.property(sets, (chunk) => {
          const value = whole(metric, chunk);
          expect(Number.isFinite(value)).toBe(true);
          if (low !== null) expect(value).toBeGreaterThanOrEqual(low - 1e-12);
          if (high !== null) expect(value).toBeLessThanOrEqual(high + 1e-12);
        }),
        { numRuns: 60 },
      );
    });

    it('counts a row of the weight n as n rows', () => {
      fc.assert(
        fc.property(sets, fc.infiniteStream(fc.nat({ max: 3 })), (chunk, stream) => {
          // Each row counts, so that no class is lost.
          const weights = Float64Array.from({ length: chunk.rows }, () => 1 + (stream.next().value as number));
          const repeated = Int32Array.from(Array.from(weights).flatMap((weight, row) => Array.from({ length: weight }, () => row)));
          const value = whole(metric, pickRows(chunk, repeated));
          expect(Math.abs(whole(metric, { ...chunk, weights }) - value)).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(value)));
        }),
        { numRuns: 40 },
      );
    });
  },
);

describe('ExactSum', () => {
  it('gives the same bits in any order and grouping', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e200, max: 1e200 }), { maxLength: 30 }),
        fc.nat(),
        (terms, cut) => {
          const sumOf = (values: readonly number[]): ExactSum => {
            const sum = new ExactSum();
            for (const value of values) sum.add(value);
            return sum;
          };
          const at = cut % (terms.length + 1);
          const joined = sumOf(terms.slice(at));
          joined.merge(sumOf(terms.slice(0, at).reverse()));
          expect(joined.value()).toBe(sumOf(terms).value());
        },
      ),
    );
  });

  it('keeps what a plain sum loses', () => {
    const sum = new ExactSum();
    for (const term of [1e100, 1, -1e100]) sum.add(term);
    expect(sum.value()).toBe(1);
  });
});
