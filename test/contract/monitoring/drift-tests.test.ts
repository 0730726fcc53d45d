import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { drifted, numberSample } from '../../../src/monitoring/drift/drift-test.ts';
import type { FeatureSample } from '../../../src/monitoring/drift/drift-test.ts';
import { driftRegistry } from '../../../src/monitoring/drift/index.generated.ts';

function numbers(count: number, shift: number, seed: string): FeatureSample {
  const random = new Prng('drift-contract', seed);
  return numberSample(Float64Array.from({ length: count }, () => random.normal() + shift));
}

function categories(counts: Record<string, number>): FeatureSample {
  return { kind: 'category', counts: new Map(Object.entries(counts)), other: 0 };
}

const SAME = {
  number: [numbers(600, 0, 'a'), numbers(600, 0, 'a')],
  category: [categories({ a: 60, b: 30, c: 10 }), categories({ a: 120, b: 60, c: 20 })],
} as const;
const MOVED = {
  number: [numbers(600, 0, 'a'), numbers(600, 1, 'b')],
  category: [categories({ a: 60, b: 30, c: 10 }), categories({ a: 10, b: 30, c: 60 })],
} as const;

describe.each(driftRegistry.all())('drift test $name', (test) => {
  it('says what it is, and where the definition comes from', () => {
    expect(test.summary).toMatch(/^[A-Za-z].*\.$/);
    expect(test.reference).toMatch(/^https:\/\//);
    const validate = new Ajv({ strict: true }).compile(test.configSchema);
    expect(validate({ threshold: test.defaultThreshold })).toBe(true);
    expect(validate({ treshold: 1 })).toBe(false);
  });

  describe.each(test.featureTypes)('on a %s', (kind) => {
    const judge = ([reference, current]: readonly [FeatureSample, FeatureSample]): boolean =>
      drifted(test, test.compute(reference, current), test.defaultThreshold);

    it('finds nothing between equal distributions', () => {
      expect(judge(SAME[kind])).toBe(false);
      // Half a row per bin keeps PSI of equal shares but unequal sizes a little above 0.
      if (test.score === 'distance') expect(test.compute(SAME[kind][0], SAME[kind][1])).toBeLessThan(0.01);
    });

    it('finds a clear shift', () => {
      expect(judge(MOVED[kind])).toBe(true);
    });

    it(`is ${test.symmetric ? '' : 'not claimed to be '}symmetric`, () => {
      const [reference, current] = MOVED[kind];
      const there = test.compute(reference, current);
      expect(Number.isFinite(there)).toBe(true);
      if (test.symmetric) expect(test.compute(current, reference)).toBeCloseTo(there, 12);
    });
  });
});
