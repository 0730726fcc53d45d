import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { numberSample } from '../../../src/monitoring/drift/drift-test.ts';
import type { FeatureSample } from '../../../src/monitoring/drift/drift-test.ts';
import { driftRegistry } from '../../../src/monitoring/drift/index.generated.ts';

interface Case {
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
    const tolerance = name === 'ks' && exact !== true ? 0.01 * Math.max(want[name]!, 0.001) : 1e-9;
    expect(Math.abs(got - want[name]!)).toBeLessThanOrEqual(tolerance);
  });
});

describe.each(golden.categories)('tests of categories agree with SciPy: $name', ({ reference, current, want }) => {
  it.each(Object.keys(want))('%s', (name) => {
    expect(driftRegistry.get(name).compute(categories(reference), categories(current))).toBeCloseTo(want[name]!, 9);
  });
});
