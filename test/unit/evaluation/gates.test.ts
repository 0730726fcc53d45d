import { describe, expect, it } from 'vitest';
import { formatNumber } from '../../../src/evaluation/step/gate-words.ts';
import { judge, requireMeasured, verdictOf } from '../../../src/evaluation/step/gates.ts';
import { twoSided } from '../../../src/evaluation/measure/mcnemar.ts';
import { comparesWithChampion, lookBackMs, slicesOf } from '../../../src/evaluation/step/gate.ts';
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
    expect(verdictOf(judge([{ metric: 'accuracy', atLeast: 0.9 }], facts))).toEqual({
      passed: true,
      reasons: ['accuracy 0.92 is at least 0.9'],
    });
  });

  it('names the metrics there are where a gate reads another', () => {
    expect(() => one({ metric: 'recall', atLeast: 1 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', hint: 'Add "recall" to "metrics" of the evaluate step.' }),
    );
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

  it('compares on the rows that both predict, and says which', () => {
    const champion = { ...facts.champion!, rows: '41 of 52 test rows', ours: { accuracy: 0.8 } };
    expect(one({ metric: 'accuracy', betterThanChampionBy: 0 }, { champion }).sentence).toBe(
      'accuracy 0.8 is not better than 0.91 of the champion (m version 2) on the same rows (41 of 52 test rows)',
    );
    expect(one({ metric: 'accuracy', notWorseThanChampionBy: 0.2 }, { champion }).sentence).toBe(
      'accuracy 0.8 is worse than 0.91 of the champion (m version 2) on the same rows (41 of 52 test rows), by 0.11; 0.2 is allowed',
    );
    expect(one({ metric: 'accuracy', betterThanBaseline: true }, { champion }).sentence).not.toContain('41 of 52');
    expect(one({ metric: 'accuracy', notSignificantlyWorseThanChampion: true }, { champion }).sentence).toContain(
      'champion (m version 2) (41 of 52 test rows): not significantly worse',
    );
  });

  it('without a fair comparison, asks onTooFewRows', () => {
    const gate: Gate = { metric: 'accuracy', notWorseThanChampionBy: 0 };
    const sentence = (outcome: string): string =>
      `accuracy 0.92 cannot be compared fairly with the champion: 3 rows are left; "onTooFewRows" is "${outcome}"`;
    expect(one(gate, { notFair: '3 rows are left' })).toEqual({ gate, passed: false, sentence: sentence('fail') });
    expect(one(gate, { notFair: '3 rows are left', onTooFewRows: 'fail' })).toEqual({ gate, passed: false, sentence: sentence('fail') });
    expect(one(gate, { notFair: '3 rows are left', onTooFewRows: 'pass' })).toEqual({ gate, passed: true, sentence: sentence('pass') });
  });

  it('says why there is nothing to compare with, and asks a person only where that was chosen', () => {
    const { champion: _champion, ...without } = facts;
    const gate: Gate = { metric: 'accuracy', betterThanChampionBy: 0 };
    expect(judge([gate], without)).toEqual([
      {
        gate,
        passed: true,
        sentence: 'accuracy 0.92 has nothing to be compared with: there is no champion yet; "onNoChampion" is "pass"',
      },
    ]);
    const absent = { champion: { ...facts.champion!, metrics: {} } };
    expect(one({ metric: 'accuracy', betterThanChampionBy: 0 }, absent).sentence).toContain('accuracy is undefined for the champion (m');
  });

  it('what the direction of a metric means for an interval, to its ends', () => {
    const champion = (low: number, high: number): Partial<GateFacts> => ({
      champion: { ...facts.champion!, differences: { accuracy: interval(0, low, high), logLoss: interval(0, low, high) } },
    });
    const better = (metric: string, low: number, high: number, by = 0): boolean =>
      one({ metric, betterThanChampionBy: by, significant: true }, champion(low, high)).passed;
    expect([better('accuracy', 0, 0.1), better('accuracy', 0.001, 0.1), better('accuracy', -0.1, 0.1)]).toEqual([false, true, false]);
    expect([better('logLoss', -0.1, 0), better('logLoss', -0.1, -0.001), better('logLoss', -0.1, 0.1)]).toEqual([false, true, false]);
    expect([better('accuracy', 0.02, 0.1, 0.02), better('accuracy', 0.03, 0.1, 0.02)]).toEqual([false, true]);
    expect(one({ metric: 'accuracy', betterThanChampionBy: 0.1, significant: true, relative: true }, champion(0.1, 0.2)).sentence).toBe(
      'accuracy 0.92 against 0.91 of the champion (m version 2): the 95 % interval of the difference (0.1 to 0.2) is wholly better by more than 10 %',
    );
    const notWorse = (metric: string, low: number, high: number): boolean =>
      one({ metric, notSignificantlyWorseThanChampion: true }, champion(low, high)).passed;
    expect([notWorse('accuracy', -0.1, 0), notWorse('accuracy', -0.1, -1e-8), notWorse('accuracy', -0.1, -1e-5)]).toEqual([
      true,
      true,
      false,
    ]);
    expect([notWorse('accuracy', -0.1, -0.92e-6), notWorse('accuracy', -0.1, -0.93e-6)]).toEqual([true, false]);
    expect([notWorse('logLoss', 0, 0.1), notWorse('logLoss', 1e-5, 0.1), notWorse('logLoss', -0.1, 0.1)]).toEqual([true, false, true]);
    for (const none of [
      { champion: { ...facts.champion!, differences: { accuracy: null } } },
      { champion: { ...facts.champion!, differences: {} } },
    ])
      for (const gate of [
        { metric: 'accuracy', betterThanChampionBy: 0, significant: true },
        { metric: 'accuracy', notSignificantlyWorseThanChampion: true },
      ] as Gate[])
        expect(one(gate, none)).toEqual({
          gate,
          passed: false,
          sentence: 'accuracy 0.92: no interval of its difference to the champion (m version 2) can be computed',
        });
  });

  it('McNemar: what is significant, and whose way', () => {
    const judged = (gate: Gate, onlyOurs: number, onlyTheirs: number, p: number) =>
      one(gate, { champion: { ...facts.champion!, disagreements: { accuracy: { onlyOurs, onlyTheirs, p } } } });
    const better: Gate = { metric: 'accuracy', betterThanChampionBy: 0, significant: true, test: 'mcnemar' };
    const notWorse: Gate = { metric: 'accuracy', notSignificantlyWorseThanChampion: true, test: 'mcnemar' };
    expect([judged(better, 9, 2, 0.05).passed, judged(better, 9, 2, 0.049).passed, judged(better, 2, 9, 0.01).passed]).toEqual([
      false,
      true,
      false,
    ]);
    expect([judged(notWorse, 2, 9, 0.05).passed, judged(notWorse, 2, 9, 0.049).passed, judged(notWorse, 9, 2, 0.01).passed]).toEqual([
      true,
      false,
      true,
    ]);
    expect(judged(notWorse, 5, 5, 0.01).passed).toBe(false);
    expect(judged(better, 5, 5, 0.01).passed).toBe(false);
    expect(judged(better, 9, 2, 0.01).sentence).toContain(': significantly better (McNemar: 9 rows');
    expect(judged(better, 9, 2, 0.5).sentence).toContain(': not significantly different (McNemar');
    // Without "significant" no test is asked.
    expect(judged({ metric: 'accuracy', betterThanChampionBy: 0, test: 'mcnemar' }, 2, 9, 0.01).passed).toBe(true);
    expect(one(better)).toEqual({
      gate: better,
      passed: false,
      sentence: "accuracy 0.92: McNemar's test counts rows that are classified rightly, and there are none to count",
    });
  });

  it('what is worse, equal and better, to the ends of the margin', () => {
    const judged = (theirs: number, by: number, relative = false) =>
      one(
        { metric: 'accuracy', notWorseThanChampionBy: by, ...(relative ? { relative } : {}) },
        { champion: { ...facts.champion!, metrics: { accuracy: theirs } } },
      );
    expect(judged(0.92, 0).sentence).toMatch(/equals 0\.92 of the champion \(m version 2\) on the same rows$/);
    expect(judged(0.9200001, 0).sentence).toContain('equals');
    expect(judged(0.92001, 0)).toMatchObject({ passed: false, sentence: expect.stringContaining('is worse than 0.92 of') });
    expect(judged(0.97, 0.05).passed).toBe(true);
    expect(judged(0.9700005, 0.05).passed).toBe(true);
    expect(judged(0.9701, 0.05).passed).toBe(false);
    expect(judged(0.92 / 0.9, 0.1, true).passed).toBe(true);
    const zero = one(
      { metric: 'accuracy', notWorseThanChampionBy: 0.1, relative: true },
      { champion: { ...facts.champion!, ours: { accuracy: -0.5 }, metrics: { accuracy: 0 } } },
    );
    expect(zero).toMatchObject({ passed: false, sentence: expect.stringMatching(/, by 0\.5; 10 % would be allowed$/) });
    const negative = one(
      { metric: 'accuracy', notWorseThanChampionBy: 0.1, relative: true },
      { champion: { ...facts.champion!, ours: { accuracy: -1.5 }, metrics: { accuracy: -1 } } },
    );
    expect(negative).toMatchObject({ passed: false, sentence: expect.stringContaining('by 0.5 (50 %); 10 %') });
  });

  it('says beside a verdict what there is to be said about its metric', () => {
    const [first, second] = judge(
      [
        { metric: 'accuracy', atLeast: 0.9 },
        { metric: 'f1', atLeast: 0.9 },
      ],
      { ...facts, notes: { accuracy: 'measured on 20 requests' } },
    );
    expect([first!.sentence, second!.sentence]).toEqual(['accuracy 0.92 is at least 0.9 (measured on 20 requests)', 'f1 0.5 is below 0.9']);
  });

  it('slices: the worst first and three by name, of the rows that are enough', () => {
    const values = [0.5, 0.1, 0.4, 0.2, 0.3];
    const slices = {
      accuracy: { a: values.map((value, index) => ({ name: `v${index}`, rows: 20 + index, value })) },
      logLoss: { a: values.map((value, index) => ({ name: `v${index}`, rows: 20 + index, value })) },
    };
    expect(one({ metric: 'accuracy', atLeast: 0.9, slices: ['a'] }, { slices })).toMatchObject({
      passed: false,
      sentence: 'accuracy 0.1 of a "v1" (21 rows), 0.2 of a "v3" (23 rows), 0.3 of a "v4" (24 rows) and 2 more is below 0.9',
    });
    expect(one({ metric: 'accuracy', atLeast: 0.4, slices: ['a'] }, { slices }).sentence).toMatch(/\(24 rows\) is below 0\.4$/);
    expect(one({ metric: 'accuracy', atLeast: 0.1, slices: ['a'] }, { slices })).toMatchObject({
      passed: true,
      sentence: 'accuracy of each of 5 slices by a is at least 0.1 (worst: 0.1 of a "v1" (21 rows))',
    });
    expect(one({ metric: 'logLoss', atMost: 0.5, slices: ['a'] }, { slices })).toMatchObject({
      passed: true,
      sentence: 'logLoss of each of 5 slices by a is at most 0.5 (worst: 0.5 of a "v0" (20 rows))',
    });
    expect(one({ metric: 'logLoss', atMost: 0.45, slices: ['a'] }, { slices })).toMatchObject({
      passed: false,
      sentence: 'logLoss 0.5 of a "v0" (20 rows) is above 0.45',
    });
    expect(one({ metric: 'logLoss', notWorseThanWholeBy: 0.2, slices: ['a'] }, { slices })).toMatchObject({
      passed: true,
      sentence: 'logLoss of each of 5 slices by a is not worse than 0.3 of all rows by more than 0.2 (worst: 0.5 of a "v0" (20 rows))',
    });
    expect(one({ metric: 'logLoss', notWorseThanWholeBy: 0.19, slices: ['a'] }, { slices }).passed).toBe(false);
    expect(one({ metric: 'accuracy', atLeast: 0.1, slices: ['a'], minimumRows: 23 }, { slices }).sentence).toMatch(
      /of each of 2 slices .*; 3 of fewer than 23 rows are left out$/,
    );
    expect(one({ metric: 'accuracy', atLeast: 0.1, slices: ['other', 'b'] }, { slices })).toMatchObject({
      passed: false,
      sentence: 'no slice by other, b has 20 rows, so that there is nothing to judge by accuracy',
    });
    expect(one({ metric: 'f1', atLeast: 0.1, slices: ['a'] }, { slices: {} }).passed).toBe(false);
    expect(one({ metric: 'f1', atLeast: 0.1, slices: ['a'] }).passed).toBe(false);
    const lost = {
      accuracy: {
        a: [
          { name: 'v', rows: 20, value: 1 },
          { name: 'w', rows: 20, value: null },
        ],
      },
    };
    expect(one({ metric: 'accuracy', atLeast: 0.1, slices: ['a'] }, { slices: lost }).sentence).toBe(
      'accuracy is not defined on a "w" (20 rows): it has no value',
    );
  });

  it('knows what a gate looks at', () => {
    expect(lookBackMs({ metric: 'm', notWorseThanChampionBy: 0, bestWithin: '2d' })).toBe(2 * 86_400_000);
    expect(lookBackMs({ metric: 'm', notWorseThanChampionBy: 0 })).toBe(0);
    expect(lookBackMs({ metric: 'm', atLeast: 0 })).toBe(0);
    const champions: Gate[] = [
      { metric: 'm', notWorseThanChampionBy: 0 },
      { metric: 'm', betterThanChampionBy: 0 },
      { metric: 'm', notSignificantlyWorseThanChampion: true },
    ];
    expect(champions.map(comparesWithChampion)).toEqual([true, true, true]);
    expect(comparesWithChampion({ metric: 'm', betterThanBaseline: true })).toBe(false);
    expect(slicesOf({ metric: 'm', atLeast: 0, slices: ['a'] })).toEqual(['a']);
    expect([slicesOf({ metric: 'm', atLeast: 0 }), slicesOf(champions[0]!)]).toEqual([[], []]);
  });

  it('refuses a gate on what is not measured, before anything is computed', () => {
    expect(() => requireMeasured([{ metric: 'a', atLeast: 0 }], ['a', 'b'])).not.toThrow();
    expect(() =>
      requireMeasured(
        [
          { metric: 'a', atLeast: 0 },
          { metric: 'c', atLeast: 0 },
        ],
        ['a', 'b'],
      ),
    ).toThrow(/"c", which is not among "metrics": a, b/);
  });
});
