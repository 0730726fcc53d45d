import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ranksOf, thinned } from '../../../src/data/table/ranks.ts';
import { numberSample, rankedSample } from '../../../src/monitoring/drift/drift-test.ts';
import type { NumberSample } from '../../../src/monitoring/drift/drift-test.ts';
import { asymptoticPValue, exactPValue, kolmogorovSmirnov, ksDistance } from '../../../src/monitoring/kolmogorov.ts';

const sample = (values: readonly number[]): NumberSample => numberSample(Float64Array.from(values));

describe('kolmogorovSmirnov', () => {
  it('has the p-values that can be counted by hand', () => {
    // Of the 6 orders of two and two values, 2 keep them apart.
    expect(exactPValue(1, 2, 2)).toBeCloseTo(2 / 6, 12);
    expect(exactPValue(0.5, 2, 2)).toBeCloseTo(1, 12);
    expect(exactPValue(1, 3, 3)).toBeCloseTo(2 / 20, 12);
    expect(exactPValue(1, 1, 4)).toBeCloseTo(2 / 5, 12);
  });

  it('is certain where there is no distance', () => {
    expect(kolmogorovSmirnov(sample([1, 2, 3]), sample([1, 2, 3]))).toEqual({ distance: 0, pValue: 1, method: 'exact' });
  });

  it('goes from exact to asymptotic without a step', () => {
    for (const distance of [0.03, 0.05, 0.08])
      expect(asymptoticPValue(distance, 1000, 1500)).toBeCloseTo(exactPValue(distance, 1000, 1500), 2);
  });

  it('takes the largest distance of the distribution functions', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 20 }),
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 20 }),
        (a, b) => {
          const share = (values: number[], limit: number): number => values.filter((value) => value <= limit).length / values.length;
          const expected = Math.max(...Array.from({ length: 10 }, (_, limit) => Math.abs(share(a, limit) - share(b, limit))));
          expect(ksDistance(sample(a), sample(b))).toBeCloseTo(expected, 12);
        },
      ),
    );
  });

  it('is the same however the values are kept, and never too large where some are left out', () => {
    const values = fc.array(fc.oneof(fc.integer({ min: -20, max: 20 }), fc.double({ noNaN: true, noDefaultInfinity: true })), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(values, values, fc.integer({ min: 2, max: 40 }), (a, b, most) => {
        const ranks = ranksOf(Float64Array.from(a).sort());
        const whole = ksDistance(sample(a), sample(b));
        expect(ksDistance(rankedSample(ranks), sample(b))).toBeCloseTo(whole, 12);
        expect(ksDistance(sample(b), rankedSample(ranks))).toBeCloseTo(whole, 12);
        expect(ksDistance(rankedSample(ranks), rankedSample(ranksOf(Float64Array.from(b).sort())))).toBeCloseTo(whole, 12);
        const kept = thinned(ranks, most);
        const certain = ksDistance(rankedSample(kept), sample(b));
        expect(certain).toBeLessThanOrEqual(whole + 1e-12);
        // What is not certain lies between neighbours that are kept.
        const widest = Math.max(
          ...Array.from(kept.values, (_, index) => (index === 0 ? 0 : kept.below[index]! - kept.through[index - 1]!)),
        );
        expect(whole - certain).toBeLessThanOrEqual(widest / a.length + 1e-12);
      }),
    );
  });
});
