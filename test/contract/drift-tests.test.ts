import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { Prng } from '../../src/core/prng.ts';
import { drifted, numberSample } from '../../src/monitoring/drift/drift-test.ts';
import type { DriftTestDefinition, FeatureSample } from '../../src/monitoring/drift/drift-test.ts';
import { driftRegistry } from '../../src/monitoring/drift/index.generated.ts';
import { describeLaws, goldenLaw } from './support/laws.ts';
import { validator } from './support/schemas.ts';

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

const judge = (test: DriftTestDefinition, [reference, current]: readonly [FeatureSample, FeatureSample]): boolean =>
  drifted(test, test.compute(reference, current), test.defaultThreshold);

const laws = {
  'says what it is, and where the definition comes from': (test: DriftTestDefinition) => {
    expect(test.summary).toMatch(/^[A-Za-z].*\.$/);
    expect(test.reference).toMatch(/^https:\/\//);
    const valid = validator(test.configSchema);
    expect([valid({ threshold: test.defaultThreshold }), valid({ treshold: 1 })]).toEqual([true, false]);
  },
  'finds nothing between equal distributions': (test: DriftTestDefinition) => {
    for (const kind of test.featureTypes) {
      expect(judge(test, SAME[kind])).toBe(false);
      // Half a row per bin keeps PSI of equal shares but unequal sizes a little above 0.
      if (test.score === 'distance') expect(test.compute(SAME[kind][0], SAME[kind][1])).toBeLessThan(0.01);
    }
  },
  'finds a clear shift': (test: DriftTestDefinition) => {
    for (const kind of test.featureTypes) expect(judge(test, MOVED[kind])).toBe(true);
  },
  'is symmetric where it says so': (test: DriftTestDefinition) => {
    for (const kind of test.featureTypes) {
      const [reference, current] = MOVED[kind];
      const there = test.compute(reference, current);
      expect(Number.isFinite(there)).toBe(true);
      if (test.symmetric) expect(test.compute(current, reference)).toBeCloseTo(there, 12);
    }
  },
  'has a golden value, or a reason for none': goldenLaw<DriftTestDefinition>('drift test', ({ name }) => name, {
    names: new Set(
      Object.values(
        JSON.parse(readFileSync(new URL('../golden/monitoring/drift.json', import.meta.url), 'utf8')) as Record<string, { want: object }[]>,
      )
        .filter(Array.isArray)
        .flat()
        .flatMap(({ want }) => Object.keys(want)),
    ),
    add: 'Let test/golden/monitoring/make_drift.py work one out with SciPy.',
    file: 'test/contract/drift-tests.test.ts',
  }),
};

const ks = driftRegistry.get('ks');
const psi = driftRegistry.get('psi');

describeLaws<DriftTestDefinition>({
  kind: 'drift test',
  definitions: driftRegistry.all(),
  nameOf: ({ name }) => name,
  laws,
  mutants: {
    'says what it is, and where the definition comes from': [
      { ...ks, reference: 'a book' },
      { ...ks, configSchema: { type: 'object' } },
    ],
    'finds nothing between equal distributions': [
      { ...ks, compute: () => 0 },
      { ...psi, compute: (...given) => psi.compute(...given) + 0.02 },
    ],
    'finds a clear shift': [{ ...ks, compute: () => 1 }],
    'is symmetric where it says so': [
      {
        ...ks,
        symmetric: true,
        compute: (reference, current) =>
          (reference as { below(limit: number): number }).below(0) - (current as { below(limit: number): number }).below(0),
      },
      { ...ks, compute: () => Number.NaN },
    ],
    'has a golden value, or a reason for none': [{ ...ks, name: 'new' }],
  },
});
