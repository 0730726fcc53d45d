import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import classifier, { areaUnder } from '../../../src/monitoring/joint/classifier.joint.ts';
import mmd, { discrepancy, pearsonTail } from '../../../src/monitoring/joint/mmd.joint.ts';
import { twoSidedP } from '../../../src/monitoring/policy/correction.ts';
import type { Matrix } from '../../../src/monitoring/trees/boosted-trees.ts';

const golden = JSON.parse(readFileSync(new URL('./joint.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly { readonly name: string; readonly reference: number[][]; readonly current: number[][] }[];
  readonly want: {
    readonly mmd: readonly { readonly squared: number; readonly between: number; readonly effect: number; readonly pValue: number }[];
    readonly classifier: readonly { readonly effect: number; readonly z: number }[];
  };
  readonly auc: { readonly then: number[]; readonly now: number[]; readonly want: number };
  readonly pearson: { readonly values: number[]; readonly seen: number[]; readonly want: number[] };
};
const matrix = (rows: readonly number[][]): Matrix => ({
  rows: rows.length,
  width: rows[0]!.length,
  values: Float64Array.from(rows.flat()),
});

describe.each(golden.cases.map((one, at) => ({ ...one, at })))('whole rows: $name', ({ reference, current, at }) => {
  it('have the maximum mean discrepancy of its definition, and the p-value of 20,000 exchanges', () => {
    const want = golden.want.mmd[at]!;
    const found = discrepancy(matrix(reference), matrix(current), 0);
    expect(found.squared).toBeCloseTo(want.squared, 6);
    expect(found.between).toBeCloseTo(want.between, 6);
    const { effect, pValue } = mmd.compute(matrix(reference), matrix(current), 0);
    expect(effect).toBeCloseTo(want.effect, 4);
    // 999 exchanges know a share to three of its standard errors; what none of 20,000 reaches is smaller than a few in 10,000.
    if (want.pValue > 0.01) expect(Math.abs(pValue - want.pValue)).toBeLessThan(3 * Math.sqrt((want.pValue * (1 - want.pValue)) / 999));
    else expect(pValue).toBeLessThan(0.01);
    if (want.pValue < 1e-4) expect(pValue).toBeLessThan(1e-3);
  });

  it('are told apart as by LightGBM', () => {
    const want = golden.want.classifier[at]!;
    const seeds = [0, 1, 2, 3, 4];
    const found = seeds.map((seed) => classifier.compute(matrix(reference), matrix(current), seed));
    const mean = found.reduce((sum, { effect }) => sum + effect, 0) / seeds.length;
    // Parts are drawn by another generator: means over five draws are known to a few hundredths.
    expect(Math.abs(mean - want.effect)).toBeLessThan(0.04);
    const median = found.map(({ pValue }) => pValue).sort((a, b) => a - b)[2]!;
    const wanted = want.z > 0 ? twoSidedP(want.z) / 2 : 1 - twoSidedP(want.z) / 2;
    if (want.z > 4) expect(median).toBeLessThan(1e-4);
    else expect(Math.abs(median - wanted)).toBeLessThan(0.35);
  });
});

it('has the ROC AUC of scikit-learn, with ties', () => {
  const { then, now, want } = golden.auc;
  expect(areaUnder(Float64Array.from(then), Float64Array.from(now))).toBeCloseTo(want, 12);
});

it('reads tails off the Pearson III distribution of SciPy', () => {
  const { values, seen, want } = golden.pearson;
  seen.forEach((at, index) => expect(pearsonTail(at, Float64Array.from(values)) / want[index]!).toBeCloseTo(1, 4));
});

/** Rows of one distribution: a few columns that hang together, one of them of few values. */
function stationary(rows: number, seed: string): Matrix {
  const random = new Prng('stationary', seed);
  const values = new Float64Array(rows * 4);
  for (let row = 0; row < rows; row += 1) {
    const common = random.normal();
    values.set([common, 0.6 * common + 0.8 * random.normal(), Math.exp(random.normal()), random.uniform() < 0.3 ? 1 : 0], row * 4);
  }
  return { rows, width: 4, values };
}

/** What 200 draws of a uniform number keep to in all but one of 10,000 tries. */
const RUNS = 200;

describe('p-values where nothing changes', () => {
  it.each([
    ['mmd', mmd, 60],
    ['classifier', classifier, 120],
  ] as const)(
    'are uniform: %s',
    (_, test, rows) => {
      const pValues = Array.from(
        { length: RUNS },
        (__, run) => test.compute(stationary(rows, `a${run}`), stationary(rows, `b${run}`), run).pValue,
      );
      for (const level of [0.01, 0.05, 0.2, 0.5, 0.8]) {
        const share = pValues.filter((p) => p < level).length / RUNS;
        expect(Math.abs(share - level), `share below ${level}`).toBeLessThan(4 * Math.sqrt((level * (1 - level)) / RUNS) + 1 / 1_000);
      }
      expect(Math.min(...pValues)).toBeGreaterThan(1e-5);
    },
    60_000,
  );
});
