import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { Prng } from '../../src/core/prng.ts';
import { jointRegistry } from '../../src/monitoring/joint/index.generated.ts';
import { LEVEL } from '../../src/monitoring/joint/joint-test.ts';
import type { JointTestDefinition } from '../../src/monitoring/joint/joint-test.ts';
import type { Matrix } from '../../src/monitoring/trees/boosted-trees.ts';
import { describeLaws, goldenLaw } from './support/laws.ts';
import { validator } from './support/schemas.ts';

const ROWS = 700;

/** Four columns; the first two agree as far as is said. */
function rowsOf(seed: string, { agreement = 0, shift = 0, rows = ROWS } = {}): Matrix {
  const random = new Prng('joint-contract', seed);
  const values = Float64Array.from({ length: rows * 4 }, () => random.normal());
  for (let row = 0; row < rows; row += 1) {
    values[row * 4]! += shift;
    values[row * 4 + 1] = agreement * values[row * 4]! + Math.sqrt(1 - agreement * agreement) * values[row * 4 + 1]!;
  }
  return { rows, width: 4, values };
}

const CONSTANT: Matrix = { rows: ROWS, width: 4, values: new Float64Array(ROWS * 4) };
const isDrift = ({ compute, defaultThreshold }: JointTestDefinition, reference: Matrix, current: Matrix): boolean => {
  const { effect, pValue } = compute(reference, current, 0);
  return effect > defaultThreshold && pValue < LEVEL;
};

const laws = {
  'says what it is, and where the definition comes from': (test: JointTestDefinition) => {
    expect(test.summary).toMatch(/^[A-Za-z].*\.$/);
    expect(test.reference).toMatch(/^https:\/\//);
    const valid = validator(test.configSchema);
    expect([valid({ threshold: test.defaultThreshold, rows: test.defaultRows }), valid({ treshold: 1 })]).toEqual([true, false]);
    expect(test.cost(1_000, 20)).toBeGreaterThan(test.cost(100, 20));
  },
  'finds nothing between equal distributions': (test: JointTestDefinition) => {
    for (const seed of ['b', 'c', 'd']) expect(isDrift(test, rowsOf('a'), rowsOf(seed))).toBe(false);
    // Where there is nothing to tell apart, nothing is told apart.
    expect(test.compute(CONSTANT, CONSTANT, 0).pValue).toBeGreaterThan(0.4);
    expect(isDrift(test, CONSTANT, CONSTANT)).toBe(false);
  },
  'finds a shift of one column, and columns that agree': (test: JointTestDefinition) => {
    expect(isDrift(test, rowsOf('a'), rowsOf('b', { shift: 1 }))).toBe(true);
    expect(isDrift(test, rowsOf('a'), rowsOf('b', { agreement: 0.9 }))).toBe(true);
  },
  'gives the same for the same rows, and finite numbers for any sizes': (test: JointTestDefinition) => {
    const [reference, current] = [rowsOf('a'), rowsOf('b', { rows: test.minRows, shift: 0.5 })];
    const once = test.compute(reference, current, 0);
    expect(test.compute(reference, current, 0)).toEqual(once);
    for (const value of Object.values(once)) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
    }
  },
  'has a golden value, or a reason for none': goldenLaw<JointTestDefinition>('test of whole rows', ({ name }) => name, {
    names: new Set(
      Object.keys(JSON.parse(readFileSync(new URL('../golden/monitoring/joint.json', import.meta.url), 'utf8')).want as object),
    ),
    add: 'Let test/golden/monitoring/make_joint.py work one out with scikit-learn and SciPy.',
    file: 'test/contract/joint-tests.test.ts',
  }),
};

const mmd = jointRegistry.get('mmd');

describeLaws<JointTestDefinition>({
  kind: 'test of whole rows',
  definitions: jointRegistry.all(),
  nameOf: ({ name }) => name,
  laws,
  mutants: {
    'says what it is, and where the definition comes from': [
      { ...mmd, reference: 'a book' },
      { ...mmd, configSchema: { type: 'object' } },
      { ...mmd, cost: () => 1 },
    ],
    'finds nothing between equal distributions': [{ ...mmd, compute: () => ({ effect: 1, pValue: 0 }) }],
    'finds a shift of one column, and columns that agree': [{ ...mmd, compute: () => ({ effect: 0, pValue: 1 }) }],
    'gives the same for the same rows, and finite numbers for any sizes': [
      { ...mmd, compute: () => ({ effect: Number.NaN, pValue: 1 }) },
      { ...mmd, compute: () => ({ effect: Math.random(), pValue: 1 }) },
    ],
    'has a golden value, or a reason for none': [{ ...mmd, name: 'new' }],
  },
});
