import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { costCurve } from '../../../src/evaluation/findings/insights/cost-curve.ts';
import { findSlices } from '../../../src/evaluation/findings/insights/find-slices.ts';
import { confusedPairs, suspectedLabels } from '../../../src/evaluation/findings/insights/label-issues.ts';
import type { ClassChunk } from '../../../src/evaluation/metrics/metric.ts';

/** What cleanlab and SciPy say (`make_insights.py`). */
const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'insights.json'), 'utf8')) as {
  readonly labels: readonly {
    readonly classes: number;
    readonly labels: readonly number[];
    readonly scores: readonly number[];
    readonly issues: readonly number[];
    readonly own: readonly number[];
  }[];
  readonly slices: readonly {
    readonly columns: Readonly<Record<string, readonly unknown[]>>;
    readonly losses: readonly number[];
    readonly looked: number;
    readonly found: readonly {
      readonly columns: readonly (readonly [name: string, value: string])[];
      readonly rows: number;
      readonly value: number;
      readonly others: number;
      readonly p: number;
    }[];
  }[];
};

function chunkOf(classes: number, labels: readonly number[], scores: readonly number[]): ClassChunk {
  const all = Float64Array.from(scores);
  const predicted = Int32Array.from(labels, (_, row) => {
    const own = all.subarray(row * classes, (row + 1) * classes);
    return own.indexOf(Math.max(...own));
  });
  return {
    kind: 'classes',
    rows: labels.length,
    classes: Array.from({ length: classes }, (_, index) => `c${index}`),
    positive: 1,
    labels: Int32Array.from(labels),
    predicted,
    scores: all,
    probabilities: true,
  };
}

describe('suspected labels are those of cleanlab', () => {
  test.each(golden.labels.map((one, index) => [index, one] as const))('case %i', (_, { classes, labels, scores, issues, own }) => {
    const found = suspectedLabels(chunkOf(classes, labels, scores));
    expect(found.map(({ row }) => row).sort((a, b) => a - b)).toEqual([...issues].sort((a, b) => a - b));
    expect(found.map(({ row }) => scores[row * classes + labels[row]!])).toEqual(own);
    for (const { row, suggested } of found) expect(suggested).not.toBe(labels[row]);
  });

  test('scores that only rank suspect nothing', () => {
    expect(suspectedLabels({ ...chunkOf(2, [0, 1], [3, -1, 2, -2]), probabilities: false })).toEqual([]);
  });
});

describe('slices are those that SciPy finds significant', () => {
  test.each(golden.slices.map((one, index) => [index === 0 ? 'shares of wrong rows' : 'sizes of errors', one] as const))(
    'by %s',
    (_, one) => {
      const { looked, found } = findSlices(new Map(Object.entries(one.columns)), Float64Array.from(one.losses));
      expect(looked).toBe(one.looked);
      const key = (columns: readonly (readonly [string, string])[]): string => columns.map((pair) => pair.join('=')).join(', ');
      const ours = new Map(found.map((slice) => [key(slice.columns.map(({ name, value }) => [name, value])), slice]));
      expect([...ours.keys()].sort()).toEqual(one.found.map(({ columns }) => key(columns)).sort());
      for (const { columns, rows, value, others, p } of one.found) {
        const own = ours.get(key(columns))!;
        expect(own.rows).toBe(rows);
        expect(own.value).toBeCloseTo(value, 10);
        expect(own.others).toBeCloseTo(others, 10);
        expect(Math.abs(own.p - p)).toBeLessThan(1e-6 + 1e-6 * p);
      }
    },
  );

  test('what is left to chance is not found, in a thousand columns of noise', () => {
    let state = 1;
    const next = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    const rows = 300;
    const columns = new Map(
      Array.from({ length: 40 }, (_, index) => [`x${index}`, Array.from({ length: rows }, () => Math.floor(3 * next()))]),
    );
    const { looked, found } = findSlices(
      columns,
      Float64Array.from({ length: rows }, () => (next() < 0.2 ? 1 : 0)),
    );
    expect(looked).toBeGreaterThan(5_000);
    expect(found).toEqual([]);
  });

  test('numbers are cut at quartiles, texts by their length, missing values apart', () => {
    const rows = 200;
    const size = Array.from({ length: rows }, (_, row) => (row % 10 === 0 ? null : row));
    const words = Array.from({ length: rows }, (_, row) => 'x'.repeat(1 + row));
    const { columns, found } = findSlices(
      new Map<string, unknown[]>([
        ['size', size],
        ['words', words],
        ['same', size.map(() => 1)],
      ]),
      Float64Array.from(words, (_, row) => (row >= 150 ? 1 : 0)),
    );
    expect(columns).toEqual(['size', 'length of words']);
    expect(found[0]!.columns).toEqual([{ name: 'length of words', value: '≥ 151' }]);
  });
});

test('the cheapest threshold moves with the costs, and lies in the middle of its gap', () => {
  // Probabilities of the positive class, ascending, and what they are.
  const scores = [0.1, 0.2, 0.4, 0.6, 0.7, 0.9];
  const labels = [0, 0, 1, 0, 1, 1];
  const chunk = chunkOf(
    2,
    labels,
    scores.flatMap((score) => [1 - score, score]),
  );
  const equal = costCurve(chunk, undefined)!;
  expect(equal).toMatchObject({
    declared: false,
    positive: 'c1',
    costs: { falsePositive: 1, falseNegative: 1 },
    used: { threshold: 0.5, cost: 2 / 6 },
  });
  expect(equal.best).toMatchObject({ cost: 1 / 6 });
  const missing = costCurve(chunk, { falsePositive: 1, falseNegative: 10 })!;
  expect(missing.best.threshold).toBeCloseTo(0.3, 12);
  expect(missing.best).toMatchObject({ cost: 1 / 6, recall: 1, precision: 0.75 });
  const alarming = costCurve(chunk, { falsePositive: 10, falseNegative: 1 })!;
  expect(alarming.best.threshold).toBeCloseTo(0.65, 12);
  expect(alarming.best).toMatchObject({ cost: 1 / 6, precision: 1 });
  expect(costCurve({ ...chunk, probabilities: false }, undefined)).toBeUndefined();
});

test('the most confused pairs, most rows first', () => {
  expect(
    confusedPairs(
      ['a', 'b', 'c'],
      [
        [5, 2, 0],
        [4, 6, 0],
        [0, 4, 1],
      ],
      2,
    ),
  ).toEqual([
    { actual: 'c', predicted: 'b', rows: 4, share: 0.8 },
    { actual: 'b', predicted: 'a', rows: 4, share: 0.4 },
  ]);
});
