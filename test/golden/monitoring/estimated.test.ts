import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { calibrationOf, estimateAccuracy } from '../../../src/monitoring/feedback/estimated.ts';
import { isotonic } from '../../../src/monitoring/feedback/isotonic.ts';

const golden = JSON.parse(readFileSync(new URL('./estimated.json', import.meta.url), 'utf8')) as {
  readonly rows: number;
  readonly reference: { readonly proba: number[]; readonly truth: number[] };
  readonly analysis: { readonly proba: number[]; readonly answered: number[] };
  readonly asTheyAre: number[];
  readonly nannyml: { readonly accuracy: number[]; readonly calibrated: boolean };
  readonly isotonic: number[];
  readonly realized: number[];
};
const chunks = golden.realized.map((_, at) => {
  const rows = [at * golden.rows, (at + 1) * golden.rows] as const;
  const answered = golden.analysis.answered.slice(...rows);
  return golden.analysis.proba.slice(...rows).map((proba, index) => ({ probabilities: [1 - proba, proba], answered: answered[index]! }));
});
const calibrate = calibrationOf(
  2,
  golden.reference.proba.map((proba, index) => ({ probabilities: [1 - proba, proba], label: golden.reference.truth[index]! })),
);

describe('the accuracy that probabilities promise', () => {
  it('is that of NannyML, as they are', () => {
    chunks.forEach((chunk, at) => expect(estimateAccuracy(chunk, (given) => given).accuracy).toBeCloseTo(golden.asTheyAre[at]!, 9));
  });

  it('is that of NannyML with the isotonic regression of scikit-learn', () => {
    chunks.forEach((chunk, at) => expect(estimateAccuracy(chunk, calibrate).accuracy).toBeCloseTo(golden.isotonic[at]!, 5));
  });

  it('is near what labels show, and near what NannyML says by itself', () => {
    chunks.forEach((chunk, at) => {
      const { accuracy, low, high, rows } = estimateAccuracy(chunk, calibrate);
      expect(rows).toBe(golden.rows);
      expect(Math.abs(accuracy - golden.nannyml.accuracy[at]!)).toBeLessThan(0.01);
      expect(low).toBeLessThan(accuracy);
      expect(high).toBeGreaterThan(accuracy);
      expect(Math.abs(accuracy - golden.realized[at]!)).toBeLessThan(0.03);
    });
  });
});

it('pools what does not rise, and draws lines between', () => {
  // sklearn.isotonic.IsotonicRegression(out_of_bounds='clip').fit([1, 2, 3, 4, 4], [0, 2, 1, 3, 5])
  const curve = isotonic([4, 1, 2, 3, 4], [3, 0, 2, 1, 5]);
  expect([0, 1, 1.5, 2, 3, 3.5, 4, 9].map(curve)).toEqual([0, 0, 0.75, 1.5, 1.5, 2.75, 4, 4]);
});
