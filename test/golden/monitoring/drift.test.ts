import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { numberSample } from '../../../src/monitoring/drift/drift-test.ts';
import {
  andersonDarling,
  andersonDarlingTail,
  cramerVonMisesT,
  cramerVonMisesTail,
  jointCounts,
} from '../../../src/monitoring/joint-ranks.ts';
import type { FeatureSample } from '../../../src/monitoring/drift/drift-test.ts';
import { driftRegistry } from '../../../src/monitoring/drift/index.generated.ts';

/** SciPy reads the p-value of Anderson-Darling off a curve through the points of a table; sums of Cramér-von Mises end at 1e-7. */
const TOLERANCES: Readonly<Record<string, (want: number, exact: boolean | undefined) => number>> = {
  ks: (want, exact) => (exact === true ? 1e-9 : 0.01 * Math.max(want, 0.001)),
  andersonDarling: (want) => 0.06 * want,
  cramerVonMises: () => 2e-7,
};

interface Case {
  readonly statistics: Record<string, number>;
  readonly name: string;
  readonly exact?: boolean;
  readonly reference: number[];
  readonly current: number[];
  readonly want: Record<string, number>;
}

const golden = JSON.parse(readFileSync(new URL('./drift.json', import.meta.url), 'utf8')) as { numbers: Case[]; categories: Case[] };
const numbers = (values: number[]): FeatureSample => numberSample(Float64Array.from(values));
const categories = (counts: number[]): FeatureSample => ({
  kind: 'category',
  counts: new Map(counts.map((count, index) => [`c${index}`, count])),
  other: 0,
});

describe.each(golden.numbers)('tests of numbers agree with SciPy: $name', ({ reference, current, want, exact }) => {
  it.each(Object.keys(want))('%s', (name) => {
    const got = driftRegistry.get(name).compute(numbers(reference), numbers(current));
    // The asymptotic p-value is an approximation on either side, good to about 1 % where it matters.
    const tolerance = TOLERANCES[name]?.(want[name]!, exact) ?? 1e-9;
    expect(Math.abs(got - want[name]!)).toBeLessThanOrEqual(tolerance);
  });
});

describe("statistics by ranks are SciPy's", () => {
  it.each(golden.numbers.filter(({ statistics }) => Object.keys(statistics).length > 0))('$name', ({ reference, current, statistics }) => {
    const joint = jointCounts(numberSample(Float64Array.from(reference)), numberSample(Float64Array.from(current)));
    expect(andersonDarling(joint).standardized).toBeCloseTo(statistics['andersonDarling']!, 7);
    expect(cramerVonMisesT(joint).statistic).toBeCloseTo(statistics['cramerVonMises']!, 7);
  });

  it('have the tails of their limit distributions', () => {
    // Tables: 2.492 and 3.8781 of Anderson and Darling; SciPy's _cdf_cvm_inf.
    expect(andersonDarlingTail((2.492 - 1) / Math.sqrt((2 * (Math.PI ** 2 - 9)) / 3))).toBeCloseTo(0.05, 4);
    expect(andersonDarlingTail((3.8781 - 1) / Math.sqrt((2 * (Math.PI ** 2 - 9)) / 3))).toBeCloseTo(0.01, 4);
    expect(cramerVonMisesTail(0.46136)).toBeCloseTo(0.05, 4);
    expect(cramerVonMisesTail(0.74346)).toBeCloseTo(0.01, 4);
    expect([andersonDarlingTail(-2), cramerVonMisesTail(0)]).toEqual([1, 1]);
  });
});

describe.each(golden.categories)('tests of categories agree with SciPy: $name', ({ reference, current, want }) => {
  it.each(Object.keys(want))('%s', (name) => {
    expect(driftRegistry.get(name).compute(categories(reference), categories(current))).toBeCloseTo(want[name]!, 9);
  });
});
