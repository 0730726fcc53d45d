import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { Row } from '../../../src/core/tensor.ts';
import type { DatasetProfile } from '../../../src/data/stored/dataset.ts';
import { currentRows } from '../../../src/monitoring/current-rows.ts';
import { referenceOf } from '../../../src/monitoring/column-window.ts';
import type { ColumnReference } from '../../../src/monitoring/column-window.ts';
import { judgeWindow } from '../../../src/monitoring/detect.ts';
import type { DriftOptions, JudgedWindow, KeptWindow } from '../../../src/monitoring/detect.ts';
import { numberSample, rankedSample } from '../../../src/monitoring/drift/drift-test.ts';
import type { FeatureSample, NumberSample } from '../../../src/monitoring/drift/drift-test.ts';
import { ksDistance } from '../../../src/monitoring/kolmogorov.ts';
import { benjaminiHochberg, proportionsPValue, spansOf } from '../../../src/monitoring/policy/correction.ts';
import { poolColumn, referenceName, summarizeColumn } from '../../../src/monitoring/policy/window-summary.ts';

const random = new Prng('policy');
const normals = (count: number, shift = 0): number[] => Array.from({ length: count }, () => random.normal() + shift);
const sample = normals(2_000).sort((a, b) => a - b);
const profile: DatasetProfile = {
  formatVersion: 1,
  rows: 2_000,
  columns: [
    {
      name: 'x',
      type: 'number',
      count: 2_000,
      missing: 0,
      distinct: 2_000,
      number: { min: sample[0]!, max: sample.at(-1)!, mean: 0, std: 1, quantiles: {}, edges: [], counts: [], sample },
    },
    {
      name: 'flag',
      type: 'boolean',
      count: 2_000,
      missing: 0,
      distinct: 2,
      categories: { counts: { true: 1_000, false: 1_000 }, other: 0 },
    },
  ],
};
const rowsOf = (count: number, { shift = 0, share = 0.5 } = {}): Row[] =>
  normals(count, shift).map((x) => ({ x, flag: random.uniform() < share }));
const judge = (rows: Row[], before: readonly KeptWindow[] = [], options: DriftOptions = {}): Promise<JudgedWindow> =>
  judgeWindow({ profile }, currentRows([rows]), { ...options, before });

describe('benjaminiHochberg', () => {
  it('adjusts as SciPy does', () => {
    // scipy.stats.false_discovery_control
    expect(benjaminiHochberg([0.01, 0.02, 0.03, 0.04, 0.05])).toHaveLength(5);
    for (const value of benjaminiHochberg([0.01, 0.02, 0.03, 0.04, 0.05])) expect(value).toBeCloseTo(0.05, 12);
    const adjusted = benjaminiHochberg([0.9, 0.001, 0.02, 0.02, 0.5, 0.008]);
    [0.9, 0.006, 0.03, 0.03, 0.6, 0.024].forEach((want, index) => expect(adjusted[index]).toBeCloseTo(want, 12));
    expect(benjaminiHochberg([])).toEqual([]);
    expect(benjaminiHochberg([Infinity, 0.01])).toEqual([Infinity, 0.02]);
  });

  it('never turns the order around, and never makes a value smaller', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }), (values) => {
        const adjusted = benjaminiHochberg(values);
        values.forEach((value, index) => {
          expect(adjusted[index]).toBeGreaterThanOrEqual(value);
          values.forEach((other, at) => value < other && expect(adjusted[index]).toBeLessThanOrEqual(adjusted[at]!));
        });
      }),
    );
  });
});

it('compares shares as the z-test does', () => {
  // scipy.stats.chi2_contingency([[120, 880], [90, 510]], correction=False)
  expect(proportionsPValue(120, 1000, 90, 600)).toBeCloseTo(0.08535228086451475, 12);
  expect([proportionsPValue(0, 10, 0, 10), proportionsPValue(0, 0, 5, 10), proportionsPValue(5, 10, 0, 0)]).toEqual([1, 1, 1]);
});

it('looks at one window, at half of them, and at all', () => {
  expect([1, 2, 3, 5, 8, 64].map(spansOf)).toEqual([[1], [1, 2], [1, 2, 3], [1, 3, 5], [1, 4, 8], [1, 32, 64]]);
});

describe('windows together', () => {
  const window = (sampleOf: FeatureSample, rows: number) => ({ rows, missing: 0, invalid: 0, present: true, sample: sampleOf });

  it('are what they are as one, but for less than a hundredth of the rows', () => {
    const reference = referenceOf(profile.columns[0]!, undefined);
    const parts = [normals(300), normals(500, 0.2), normals(40, -1)];
    const pooled = poolColumn(
      reference,
      parts.map((values) => summarizeColumn(reference, window(numberSample(Float64Array.from(values)), values.length))!),
    ) as NumberSample;
    const whole = numberSample(Float64Array.from(parts.flat()));
    expect(pooled.size).toBe(840);
    const [apart, together] = [ksDistance(reference.sample as NumberSample, whole), ksDistance(reference.sample as NumberSample, pooled)];
    expect(together).toBeLessThanOrEqual(apart);
    expect(together).toBeGreaterThan(apart - 0.01);
  });

  it('keep what the reference never had apart from what it names', () => {
    const reference: ColumnReference = referenceOf(profile.columns[1]!, undefined);
    const counted = summarizeColumn(
      reference,
      window(
        {
          kind: 'category',
          counts: new Map([
            ['true', 3],
            ['maybe', 2],
          ]),
          other: 1,
        },
        6,
      ),
    )!;
    expect(counted).toEqual({ missing: 0, size: 6, counts: { true: 3 } });
    expect(poolColumn(reference, [counted, counted])).toEqual({ kind: 'category', counts: new Map([['true', 6]]), other: 6 });
  });

  it('are counted alike, whether all values are at hand or their places in the order', () => {
    const reference = referenceOf(profile.columns[0]!, undefined);
    const cuts = [sample[0]!, sample[700]!, sample.at(-1)!];
    for (const values of [normals(400), normals(30, 9), normals(30, -9), cuts, [...cuts, ...cuts, 0], [sample[0]!]]) {
      const all = numberSample(Float64Array.from(values));
      const counted = summarizeColumn(reference, window(all, values.length))!;
      expect(summarizeColumn(reference, window(rankedSample(all.ranks()), values.length))).toEqual(counted);
      // Of each cut: values below it, and those up to it.
      expect(counted.below![0]).toBe(values.filter((value) => value < sample[0]!).length);
      expect(counted.through![0]).toBe(values.filter((value) => value <= sample[0]!).length);
      expect(counted.through!.at(-1)).toBe(values.filter((value) => value <= sample.at(-1)!).length);
      expect(counted.below!.at(-1)).toBe(values.filter((value) => value < sample.at(-1)!).length);
    }
  });

  it('are counted exactly at values that were kept of them, whatever was left out in between', () => {
    const reference: ColumnReference = { ...referenceOf(profile.columns[0]!, undefined), sample: numberSample(Float64Array.from([0, 1])) };
    const ranks = { values: Float64Array.of(0, 1), below: Float64Array.of(0, 5), through: Float64Array.of(2, 6), size: 6, complete: false };
    expect(summarizeColumn(reference, window(rankedSample(ranks), 6))).toMatchObject({ below: [0, 5], through: [2, 6] });
  });

  it('keep nothing of what cannot be compared, nor of a reference with more than 5,000 categories', () => {
    const [x, flag] = profile.columns.map((column) => referenceOf(column, undefined)) as [ColumnReference, ColumnReference];
    const [numbers, names]: FeatureSample[] = [
      numberSample(Float64Array.from([1])),
      { kind: 'category', counts: new Map([['true', 1]]), other: 0 },
    ];
    const many = (count: number): ColumnReference => ({
      ...flag,
      sample: { kind: 'category', counts: new Map(Array.from({ length: count }, (_, at) => [`c${at}`, 1])), other: 0 },
    });
    expect(summarizeColumn(x, window(names!, 1))).toBeUndefined();
    expect(summarizeColumn(flag, window(numbers!, 1))).toBeUndefined();
    expect(summarizeColumn({ ...x, sample: undefined }, window(numbers!, 1))).toBeUndefined();
    expect(summarizeColumn(x, { rows: 1, missing: 0, invalid: 0, present: true })).toBeUndefined();
    expect(summarizeColumn(many(5_000), window(names!, 1))).toEqual({ missing: 0, size: 1, counts: {} });
    expect(summarizeColumn(many(5_001), window(names!, 1))).toBeUndefined();
    expect(summarizeColumn(flag, { ...window(names!, 10), missing: 2, invalid: 3 })).toMatchObject({ missing: 5, size: 1 });
  });

  it('are of one reference only where all of its columns are the same, in whatever order their categories are', () => {
    const flagOf = (counts: Record<string, number>, other = 0, name = 'flag'): ColumnReference => ({
      ...referenceOf({ ...profile.columns[1]!, name }, undefined),
      sample: { kind: 'category', counts: new Map(Object.entries(counts)), other },
    });
    const xOf = (values: readonly number[], name = 'x'): ColumnReference => ({
      ...referenceOf({ ...profile.columns[0]!, name }, undefined),
      sample: numberSample(Float64Array.from(values)),
    });
    const empty = (name: string): ColumnReference => ({ ...xOf([1], name), sample: undefined });
    const all = [
      [flagOf({ a: 1, b: 2 })],
      [flagOf({ a: 2, b: 1 })],
      [flagOf({ a: 1 })],
      [flagOf({ a: 1, b: 2 }, 1)],
      [flagOf({ a: 1, b: 2 }, 0, 'flags')],
      [xOf([1, 2])],
      [xOf([1, 2], 'y')],
      [xOf([1, 3])],
      [xOf([1, 2, 2])],
      [xOf([1, 2]), flagOf({ a: 1, b: 2 })],
      [empty('x')],
      [empty('y')],
      [],
    ].map(referenceName);
    expect(new Set(all).size).toBe(all.length);
    for (const name of all) expect(name).toMatch(/^[0-9a-f]{16}$/);
    expect(referenceName([flagOf({ b: 2, a: 1 })])).toBe(all[0]);
  });
});

describe('judgeWindow', () => {
  it('finds in several windows what one alone does not show', async () => {
    let before: KeptWindow[] = [];
    const found: (number | undefined)[] = [];
    for (let day = 0; day < 5; day++) {
      const { result, window } = await judge(rowsOf(250, { share: 0.62 }), before);
      found.push(result.drifted ? (result.columns[1]!.windows ?? 1) : undefined);
      before = [window, ...before];
    }
    expect(found.at(-1)).toBeGreaterThan(1);
    const { result } = await judge(rowsOf(250, { share: 0.62 }), before);
    expect(result.columns[1]!.reason).toMatch(
      /corrected p of chiSquare = \S+ is below 0\.00002, totalVariation .* Over the last [35] windows together \(/,
    );
    // Of another training, nothing is added.
    const others = before.map((window) => ({ ...window, reference: 'another' }));
    expect((await judge(rowsOf(250), others)).result.columns.every(({ windows }) => windows === undefined)).toBe(true);
  });

  it('gathers small windows until they are enough', async () => {
    const first = await judge(rowsOf(120, { shift: 1 }));
    expect(first.result).toMatchObject({ enoughRows: false, drifted: false });
    const second = await judge(rowsOf(120, { shift: 1 }), [first.window]);
    expect(second.result).toMatchObject({ enoughRows: true, drifted: true, driftedColumns: ['x'] });
    expect(second.result.columns[0]).toMatchObject({ windows: 2 });
    expect((await judge(rowsOf(120, { shift: 1 }), [first.window], { pool: 1 })).result).toMatchObject({ enoughRows: false });
  });

  it('asks more of each column, the more columns and looks there are', async () => {
    const rows = rowsOf(1_000, { share: 0.5 + 0.075 });
    const p = async (options: DriftOptions): Promise<number> => {
      const { tests } = (await judge(rows, [], options)).result.columns.find(({ name }) => name === 'flag')!;
      return tests[0]!.corrected ?? tests[0]!.score;
    };
    const alone = await p({ correction: 'none' });
    expect((await p({ columns: ['flag'] })) / alone).toBeCloseTo(1, 9);
    expect((await p({})) / alone).toBeCloseTo(2, 9);
    expect((await p({ looks: 24 })) / alone).toBeCloseTo(48, 6);
  });

  it('takes no share of missing values for drift that a small window has by chance', async () => {
    const often: DatasetProfile = { ...profile, columns: [{ ...profile.columns[0]!, count: 1_000, missing: 1_000 }] };
    const window = (missing: number): Row[] => rowsOf(200).map((row, index) => (index < missing ? { x: null } : row));
    const judged = async (missing: number) => (await judgeWindow({ profile: often }, currentRows([window(missing)]))).result.drifted;
    // 50 % of 2,000 rows, and 61 % of 200: p = 0.003.
    expect([await judged(122), await judged(140)]).toEqual([false, true]);
  });
});
