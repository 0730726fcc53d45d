import { expect, it } from 'vitest';
import { FORMER_MAX, chooseFormer } from '../../../src/evaluation/former.ts';
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
