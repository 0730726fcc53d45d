import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asymptoticPValue, exactPValue, kolmogorovSmirnov, ksDistance } from '../../../src/monitoring/kolmogorov.ts';

const ascending = (values: readonly number[]): Float64Array => Float64Array.from(values).sort();

describe('kolmogorovSmirnov', () => {
  it('has the p-values that can be counted by hand', () => {
    // Of the 6 orders of two and two values, 2 keep them apart.
    expect(exactPValue(1, 2, 2)).toBeCloseTo(2 / 6, 12);
    expect(exactPValue(0.5, 2, 2)).toBeCloseTo(1, 12);
    expect(exactPValue(1, 3, 3)).toBeCloseTo(2 / 20, 12);
    expect(exactPValue(1, 1, 4)).toBeCloseTo(2 / 5, 12);
  });

  it('is certain where there is no distance', () => {
    expect(kolmogorovSmirnov(ascending([1, 2, 3]), ascending([1, 2, 3]))).toEqual({ distance: 0, pValue: 1, method: 'exact' });
  });

  it('goes from exact to asymptotic without a step', () => {
    for (const distance of [0.03, 0.05, 0.08]) expect(asymptoticPValue(distance, 1000, 1500)).toBeCloseTo(exactPValue(distance, 1000, 1500), 2);
  });

  it('takes the largest distance of the distribution functions', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 20 }), fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 20 }), (a, b) => {
        const share = (values: number[], limit: number): number => values.filter((value) => value <= limit).length / values.length;
        const expected = Math.max(...Array.from({ length: 10 }, (_, limit) => Math.abs(share(a, limit) - share(b, limit))));
        expect(ksDistance(ascending(a), ascending(b))).toBeCloseTo(expected, 12);
      }),
    );
  });
});
