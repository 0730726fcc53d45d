import { describe, expect, it } from 'vitest';
import { formatNumber } from '../../../src/evaluation/step/gate-words.ts';
import { judge, verdictOf } from '../../../src/evaluation/step/gates.ts';
import { twoSided } from '../../../src/evaluation/measure/mcnemar.ts';
import type { Gate, GateFacts } from '../../../src/evaluation/step/gate.ts';

const interval = (difference: number, low: number, high: number) => ({ difference, low, high, confidence: 0.95, resamples: 1000 });
const facts: GateFacts = {
  metrics: { accuracy: 0.92, logLoss: 0.3, f1: 0.5 },
  directions: { accuracy: 'maximize', logLoss: 'minimize', f1: 'maximize' },
  champion: {
    name: 'the champion (m version 2)',
    ours: { accuracy: 0.92, logLoss: 0.3, f1: 0.5 },
    metrics: { accuracy: 0.91, logLoss: 0.25, f1: null },
    differences: { accuracy: interval(0.01, -0.01, 0.03), logLoss: interval(0.05, 0.01, 0.09), f1: null },
  },
  baseline: { description: 'always "a"', metrics: { accuracy: 0.5, logLoss: 0.69, f1: null } },
  onNoChampion: 'pass',
};
const one = (gate: Gate, changes: Partial<GateFacts> = {}) => judge([gate], { ...facts, ...changes })[0]!;

describe('gates', () => {
  it.each<[Gate, boolean, string]>([
    [{ metric: 'accuracy', atLeast: 0.92 }, true, 'accuracy 0.92 is at least 0.92'],
    [{ metric: 'accuracy', atLeast: 0.95 }, false, 'accuracy 0.92 is below 0.95'],
    [{ metric: 'logLoss', atMost: 0.3 }, true, 'logLoss 0.3 is at most 0.3'],
    [{ metric: 'logLoss', atMost: 0.2 }, false, 'logLoss 0.3 is above 0.2'],
    [
      { metric: 'accuracy', notWorseThanChampionBy: 0 },
      true,
      'accuracy 0.92 is better than 0.91 of the champion (m version 2) on the same rows',
    ],
    [
      { metric: 'logLoss', notWorseThanChampionBy: 0.05 },
      true,
      'logLoss 0.3 is worse than 0.25 of the champion (m version 2) on the same rows, by 0.05; 0.05 is allowed',
    ],
    [
      { metric: 'logLoss', notWorseThanChampionBy: 0.04 },
      false,
      'logLoss 0.3 is worse than 0.25 of the champion (m version 2) on the same rows, by 0.05; 0.04 would be allowed',
    ],
    [
      { metric: 'accuracy', betterThanChampionBy: 0 },
      true,
      'accuracy 0.92 is better than 0.91 of the champion (m version 2) on the same rows',
    ],
    [
      { metric: 'accuracy', betterThanChampionBy: 0.01 },
      false,
      'accuracy 0.92 is not better than 0.91 of the champion (m version 2) on the same rows by more than 0.01',
    ],
    [
      { metric: 'accuracy', betterThanChampionBy: 0, significant: true },
      false,
      'accuracy 0.92 against 0.91 of the champion (m version 2): the 95 % interval of the difference (-0.01 to 0.03) is not wholly better by more than 0',
    ],
    [
      { metric: 'logLoss', betterThanBaseline: true },
      true,
      'logLoss 0.3 is better than 0.69 of the baseline (always "a") on the same rows',
    ],
    [
      { metric: 'accuracy', betterThanBaseline: 0.5 },
      false,
      'accuracy 0.92 is not better than 0.5 of the baseline (always "a") on the same rows by more than 0.5',
    ],
    [{ metric: 'f1', betterThanBaseline: true }, false, 'f1 is undefined for the baseline (always "a"), so there is nothing to beat'],
  ])('%j', (gate, passed, sentence) => {
    expect(one(gate)).toEqual({ gate, passed, sentence });
  });

  it('lets no rounding of float32 decide', () => {
    const champion = { ...facts.champion!, metrics: { logLoss: 0.30000001, accuracy: 0.91999999 } };
    expect(one({ metric: 'logLoss', betterThanChampionBy: 0 }, { champion }).passed).toBe(false);
    expect(one({ metric: 'logLoss', notWorseThanChampionBy: 0 }, { champion })).toMatchObject({
      passed: true,
      sentence: expect.stringContaining('equals 0.3'),
    });
    expect(
      one({ metric: 'accuracy', notWorseThanChampionBy: 0 }, { champion: { ...champion, metrics: { accuracy: 0.9200000001 } } }).passed,
    ).toBe(true);
  });

  it('asks onNoChampion where nothing serves yet, or the metric is undefined for the champion', () => {
    const gate: Gate = { metric: 'accuracy', notWorseThanChampionBy: 0 };
    const none = { champion: undefined, noChampion: 'no other version of "m" serves' } as unknown as Partial<GateFacts>;
    expect(one(gate, none)).toMatchObject({
      passed: true,
      sentence: expect.stringContaining('no other version of "m" serves; "onNoChampion" is "pass"'),
    });
    expect(one(gate, { ...none, onNoChampion: 'fail' }).passed).toBe(false);
    expect(one({ metric: 'f1', notWorseThanChampionBy: 0 }, { onNoChampion: 'fail' })).toMatchObject({
      passed: false,
      sentence: expect.stringContaining('undefined for the champion'),
    });
  });

  it('judges all gates, and fails for one', () => {
    const verdict = verdictOf(
      judge(
        [
          { metric: 'accuracy', atLeast: 0.95 },
          { metric: 'accuracy', atLeast: 0.9 },
        ],
        facts,
      ),
    );
    expect(verdict).toEqual({ passed: false, reasons: ['accuracy 0.92 is below 0.95', 'accuracy 0.92 is at least 0.9'] });
    expect(verdictOf([])).toEqual({ passed: true, reasons: [], ungated: true });
  });

  it('names the metrics there are where a gate reads another', () => {
    expect(() => one({ metric: 'recall', atLeast: 1 })).toThrow(/"recall", which is not among "metrics": accuracy, logLoss, f1/);
  });

  it.each([
    [0, '0'],
    [1, '1'],
    [0.123456, '0.1235'],
    [123456.7, '123500'],
    [1e-7, '1.00e-7'],
    [-0.5, '-0.5'],
    [1e12, '1.00e+12'],
  ])('writes %d as %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
});

describe('gates that compare in other ways', () => {
  const rowsOfBoth = { onlyOurs: 3, onlyTheirs: 14, p: 0.0127 };
  const withRows = (onlyOurs: number, onlyTheirs: number): Partial<GateFacts> => ({
    champion: { ...facts.champion!, disagreements: { accuracy: { onlyOurs, onlyTheirs, p: twoSided(onlyOurs, onlyTheirs) } } },
  });

  it('margins as shares of what is compared with', () => {
    expect(one({ metric: 'logLoss', notWorseThanChampionBy: 0.2, relative: true })).toMatchObject({
      passed: true,
      sentence: 'logLoss 0.3 is worse than 0.25 of the champion (m version 2) on the same rows, by 0.05 (20 %); 20 % is allowed',
    });
    expect(one({ metric: 'logLoss', notWorseThanChampionBy: 0.1, relative: true })).toMatchObject({
      passed: false,
      sentence: expect.stringContaining('10 % would be allowed'),
    });
    expect(one({ metric: 'accuracy', betterThanChampionBy: 0.02, relative: true })).toMatchObject({
      passed: false,
      sentence: expect.stringContaining('by more than 0.0182 (2 %)'),
    });
  });

  it('what is not worse beyond chance', () => {
    expect(one({ metric: 'accuracy', notSignificantlyWorseThanChampion: true })).toMatchObject({
      passed: true,
      sentence: expect.stringContaining('not significantly worse, the 95 % interval of the difference is -0.01 to 0.03'),
    });
    expect(one({ metric: 'logLoss', notSignificantlyWorseThanChampion: true })).toMatchObject({
      passed: false,
      sentence: expect.stringContaining(': significantly worse, the 95 % interval of the difference is 0.01 to 0.09'),
    });
    expect(one({ metric: 'accuracy', notSignificantlyWorseThanChampion: true, test: 'mcnemar' }, withRows(3, 14))).toMatchObject({
      passed: false,
      sentence: expect.stringMatching(
        /significantly worse \(McNemar: 3 rows only this model has right, 14 only the champion; p 0\.01273\)/,
      ),
    });
    expect(one({ metric: 'accuracy', notSignificantlyWorseThanChampion: true, test: 'mcnemar' }, withRows(5, 9)).passed).toBe(true);
    expect(one({ metric: 'accuracy', betterThanChampionBy: 0, significant: true, test: 'mcnemar' }, withRows(14, 3)).passed).toBe(true);
    expect(one({ metric: 'accuracy', betterThanChampionBy: 0, significant: true, test: 'mcnemar' }, withRows(9, 5)).passed).toBe(false);
    expect(one({ metric: 'f1', notSignificantlyWorseThanChampion: true }, { onNoChampion: 'fail' }).passed).toBe(false);
    expect(rowsOfBoth.p).toBeCloseTo(twoSided(3, 14), 4);
  });

  // scipy.stats.binomtest(min, n).pvalue
  it.each([
    [0, 0, 1],
    [3, 14, 0.0127258300781],
    [0, 5, 0.0625],
    [7, 7, 1],
    [120, 171, 0.0033087986331269],
    [1500, 1700, 0.0004333403593997],
  ])('McNemar of %d and %d rows', (a, b, p) => {
    expect(twoSided(a, b)).toBeCloseTo(p, 10);
  });

  it('slices: each of enough rows, and what is not defined on one passes nothing', () => {
    const slices = {
      accuracy: {
        island: [
          { name: 'Biscoe', rows: 40, value: 0.95 },
          { name: 'Dream', rows: 30, value: 0.8 },
          { name: 'Torgersen', rows: 5, value: 0.2 },
        ],
      },
      f1: { island: [{ name: 'Biscoe', rows: 40, value: null, why: 'it needs rows of two classes' }] },
    };
    expect(one({ metric: 'accuracy', atLeast: 0.75, slices: ['island'] }, { slices })).toMatchObject({
      passed: true,
      sentence:
        'accuracy of each of 2 slices by island is at least 0.75 (worst: 0.8 of island "Dream" (30 rows)); 1 of fewer than 20 rows is left out',
    });
    expect(one({ metric: 'accuracy', atLeast: 0.75, slices: ['island'], minimumRows: 5 }, { slices })).toMatchObject({
      passed: false,
      sentence: 'accuracy 0.2 of island "Torgersen" (5 rows) is below 0.75',
    });
    expect(one({ metric: 'accuracy', notWorseThanWholeBy: 0.1, slices: ['island'] }, { slices })).toMatchObject({
      passed: false,
      sentence: expect.stringMatching(/^accuracy 0\.8 of island "Dream" \(30 rows\) is worse than 0\.92 of all rows by more than 0\.1/),
    });
    expect(one({ metric: 'accuracy', notWorseThanWholeBy: 0.14, relative: true, slices: ['island'] }, { slices }).passed).toBe(true);
    expect(one({ metric: 'f1', atLeast: 0.1, slices: ['island'] }, { slices })).toMatchObject({
      passed: false,
      sentence: 'f1 is not defined on island "Biscoe" (40 rows): it needs rows of two classes',
    });
    expect(one({ metric: 'accuracy', atLeast: 0.1, slices: ['island'], minimumRows: 100 }, { slices })).toMatchObject({
      passed: false,
      sentence: expect.stringContaining('no slice by island has 100 rows'),
    });
  });

  it('without a champion, a person may be asked', () => {
    const { champion: _champion, ...without } = facts;
    expect(judge([{ metric: 'accuracy', betterThanChampionBy: 0 }], { ...without, onNoChampion: 'manual' })).toEqual([
      expect.objectContaining({ passed: true, manual: true, sentence: expect.stringContaining('"onNoChampion" is "manual"') }),
    ]);
  });
});
