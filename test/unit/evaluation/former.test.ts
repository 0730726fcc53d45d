import { describe, expect, it } from 'vitest';
import { FORMER_MAX, chooseFormer } from '../../../src/evaluation/former.ts';
import type { GateFacts } from '../../../src/evaluation/step/gate.ts';
import { judge } from '../../../src/evaluation/step/gates.ts';
import type { FormerVersion } from '../../../src/registry/champion.ts';

const DAY = 86_400_000;
/** 60 former champions, one a day; the oldest were the best. */
const found: FormerVersion[] = Array.from({ length: 60 }, (_, age) => ({
  version: 60 - age,
  model: { kind: 'model', digest: String(age), summary: '' },
  agoMs: (age + 1) * DAY,
  metrics: { accuracy: 0.5 + age / 1_000, logLoss: 0.9 - age / 1_000 },
}));

it.each(['accuracy', 'logLoss'])('of many former champions those are looked at that did best by %s', (metric) => {
  const chosen = chooseFormer(found, [{ metric, notWorseThanChampionBy: 0.1, bestWithin: '50d' }]);
  expect(chosen.map(({ version }) => version)).toEqual(Array.from({ length: FORMER_MAX }, (_, index) => 30 - index));
});

it('of few all, of no period none; a version without the number comes last', () => {
  expect(chooseFormer(found, [{ metric: 'accuracy', notWorseThanChampionBy: 0.1 }])).toEqual([]);
  expect(chooseFormer(found, [{ metric: 'accuracy', notWorseThanChampionBy: 0.1, bestWithin: '20d' }])).toHaveLength(20);
  const without = found.map((one, index) => (index < 55 ? { ...one, metrics: {} } : one));
  expect(
    chooseFormer(without, [{ metric: 'accuracy', notWorseThanChampionBy: 0.1, bestWithin: '60d' }]).map(({ version }) => version),
  ).toEqual([...Array.from({ length: 15 }, (_, index) => 60 - index), 5, 4, 3, 2, 1]);
});

it('says of how many they are', () => {
  const gate = { metric: 'accuracy', notWorseThanChampionBy: 0.1, bestWithin: '50d' } as const;
  const former = chooseFormer(found, [gate]).map(({ version, agoMs, metrics }) => ({ version, agoMs, ours: { accuracy: 0.5 }, metrics }));
  const [verdict] = judge([gate], {
    metrics: { accuracy: 0.5 },
    directions: { accuracy: 'maximize' },
    onNoChampion: 'pass',
    baseline: { description: '', metrics: {} },
    former,
    formerAgesMs: found.map(({ agoMs }) => agoMs),
    champion: { name: 'the champion', ours: { accuracy: 0.5 }, metrics: { accuracy: 0.5 }, differences: {} },
  });
  expect(verdict!.sentence).toContain(
    'of version 11, the best of 20 former champions of the last 50d (the 20 that did best in their own evaluations, of 50)',
  );
});

describe('the margin against former champions', () => {
  const gate = { metric: 'accuracy', notWorseThanChampionBy: 0.1, bestWithin: '10d' } as const;
  const judged = (former: GateFacts['former'], changes: Partial<GateFacts> = {}, by = 0.1) =>
    judge([{ ...gate, notWorseThanChampionBy: by }], {
      metrics: { accuracy: 0.5 },
      directions: { accuracy: 'maximize' },
      onNoChampion: 'pass',
      baseline: { description: '', metrics: {} },
      ...(former === undefined ? {} : { former }),
      champion: { name: 'the champion', ours: { accuracy: 0.5 }, metrics: { accuracy: 0.5 }, differences: {} },
      ...changes,
    })[0]!;
  const one = (version: number, days: number, ours: number | null, theirs: number | null) => ({
    version,
    agoMs: days * DAY,
    ours: { accuracy: ours },
    metrics: { accuracy: theirs },
  });
  const alone = 'accuracy 0.5 equals 0.5 of the champion on the same rows';

  it('is of the best, however many steps ago', () => {
    expect(judged([one(3, 1, 0.5, 0.55), one(2, 2, 0.5, 0.7), one(1, 3, 0.5, 0.6)])).toMatchObject({
      passed: false,
      sentence: `${alone}; 0.5 is worse by 0.2 than 0.7 of version 2, the best of 3 former champions of the last 10d, which is too much`,
    });
    expect(judged([one(3, 1, 0.5, 0.55)])).toMatchObject({
      passed: true,
      sentence: `${alone}; 0.5 is worse by 0.05 than 0.55 of version 3, the best of 1 former champion of the last 10d`,
    });
    expect(judged([one(3, 1, 0.5, 0.5)]).sentence).toContain('; 0.5 is as good as 0.5 of version 3');
    expect(judged([one(3, 1, 0.5, 0.4)]).sentence).toContain('; 0.5 is better by 0.1 than 0.4 of version 3');
  });

  it('holds to the end of the margin, and to that of the period', () => {
    expect(judged([one(3, 1, 0.5, 0.6)]).passed).toBe(true);
    expect(judged([one(3, 1, 0.5, 0.6000002)]).passed).toBe(true);
    expect(judged([one(3, 1, 0.5, 0.60001)]).passed).toBe(false);
    expect(judged([one(3, 10, 0.5, 0.9)]).passed).toBe(false);
    expect(judged([one(3, 10.001, 0.5, 0.9)])).toMatchObject({ passed: true, sentence: alone });
    expect(judged([])).toMatchObject({ passed: true, sentence: alone });
    expect(judged(undefined)).toMatchObject({ passed: true, sentence: alone });
  });

  it('passes nothing that the champion of now refuses', () => {
    const champion = { name: 'the champion', ours: { accuracy: 0.5 }, metrics: { accuracy: 0.9 }, differences: {} };
    expect(judged([one(3, 1, 0.5, 0.5)], { champion }).passed).toBe(false);
  });

  it('says which could not be compared with, and passes over what has no number', () => {
    const left = { ...one(4, 1, 0.5, 0.9), none: 'its rows are gone' };
    expect(judged([{ ...left, ours: {}, metrics: {} }])).toMatchObject({
      passed: true,
      sentence: `${alone}; version 4 was not compared: its rows are gone`,
    });
    expect(judged([one(3, 1, null, 0.9), one(2, 1, 0.5, null), one(1, 1, 0.5, 0.55), { ...left, ours: {}, metrics: {} }])).toMatchObject({
      passed: true,
      sentence: `${alone}; 0.5 is worse by 0.05 than 0.55 of version 1, the best of 1 former champion of the last 10d; version 4 was not compared: its rows are gone`,
    });
  });

  it('says of how many they are only where there are more, of the period', () => {
    const ages = (days: readonly number[]): Partial<GateFacts> => ({ formerAgesMs: days.map((day) => day * DAY) });
    expect(judged([one(3, 1, 0.5, 0.5)], ages([1])).sentence).not.toContain('evaluations');
    expect(judged([one(3, 1, 0.5, 0.5)], ages([1, 11])).sentence).not.toContain('evaluations');
    expect(judged([one(3, 1, 0.5, 0.5)], ages([1, 10])).sentence).toContain('(the 1 that did best in their own evaluations, of 2)');
  });
});
