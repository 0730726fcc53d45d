import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { StudyObjective } from '../../../src/core/tune-plan.ts';
import { renderStudyReport } from '../../../src/reports/study-report.ts';
import { importanceOf } from '../../../src/studies/importance.ts';
import type { StoredFinal, StoredTrial, StudyRecord } from '../../../src/studies/stored-study.ts';
import { choiceOf } from '../../../src/studies/winner.ts';
import { samplerRegistry } from '../../../src/tuning/samplers/index.generated.ts';
import type { Space } from '../../../src/tuning/space.ts';

const SPACE: Space = {
  rate: { kind: 'float', low: 0.0001, high: 0.1, scale: 'log' },
  units: { kind: 'choice', values: [[8], [32], [64, 32]] },
  dropout: { kind: 'float', low: 0, high: 0.5, scale: 'linear' },
};
const OBJECTIVES: StudyObjective[] = [
  { name: 'accuracy', direction: 'maximize', step: 'measure', value: 'accuracy' },
  { name: 'parameters', direction: 'minimize', step: 'train', value: 'parameters' },
];

/** The rate decides nearly all, the units some, the dropout nothing. */
function trialsOf(count: number): StoredTrial[] {
  return Array.from({ length: count }, (_, number): StoredTrial => {
    const prng = new Prng('report', number);
    const point = samplerRegistry
      .get('random')
      .suggest({ space: SPACE, directions: ['maximize'], trials: [], number, seed: 1, config: {} });
    const base = {
      formatVersion: 1,
      number,
      point,
      readings: [],
      startedAt: '2026-01-01T00:00:00Z',
      endedAt: '2026-01-01T00:00:01Z',
    } as const;
    if (number % 11 === 10) return { ...base, state: 'failed', failure: { code: 'DATA_INVALID', message: 'NaN <b>', step: 'train' } };
    const away = Math.abs(Math.log10(point['rate'] as number) + 2.5);
    const wide = (point['units'] as readonly number[]).length > 1 ? 0.05 : 0;
    const accuracy = 0.9 - 0.2 * away + wide + 0.01 * prng.normal();
    return {
      ...base,
      state: 'completed',
      values: [accuracy, wide > 0 ? 3000 : 500],
      scores: [
        [accuracy - 0.01, accuracy + 0.01],
        [500, 500],
      ],
    };
  });
}

function recordOf(state: StudyRecord['state']): StudyRecord {
  return {
    formatVersion: 1,
    study: 'penguins/20260101-000000-aaaa/tune',
    pipeline: 'penguins',
    run: '20260101-000000-aaaa',
    state,
    plan: {
      documentDir: '/',
      parameters: {},
      step: {
        id: 'tune',
        config: {
          search: { rate: { float: [0.0001, 0.1] }, units: { choice: [[8]] } },
          objective: [{ metric: 'accuracy' }, { value: 'parameters' }],
          sampler: 'random',
          trials: 40,
          parallel: 1,
          seed: 1,
        },
        tune: { objectives: OBJECTIVES, space: SPACE },
      } as unknown as StudyRecord['plan']['step'],
    },
    key: 'k',
    startedAt: '2026-01-01T00:00:00Z',
  };
}

describe('the importance of dimensions', () => {
  it('is what their values explain by themselves', () => {
    const found = importanceOf(SPACE, trialsOf(200));
    expect(found['rate']).toBeGreaterThan(0.6);
    expect(found['units']).toBeGreaterThan(0.01);
    expect(found['units']).toBeLessThan(0.3);
    expect(found['dropout']).toBeLessThan(0.05);
  });

  it('is not said of few trials, or of one value', () => {
    expect(importanceOf(SPACE, trialsOf(5))).toEqual({ rate: null, units: null, dropout: null });
    expect(
      importanceOf(
        { one: { kind: 'choice', values: [1] } },
        trialsOf(30).map((trial) => ({ ...trial, point: { one: 1 } })),
      ),
    ).toEqual({ one: null });
  });
});

describe('the page of a study', () => {
  it('tells all of it, and loads nothing', async () => {
    const trials = trialsOf(40);
    const finals: StoredFinal[] = trials
      .filter(({ state }) => state === 'completed')
      .slice(0, 2)
      .map(({ number, values }) => ({ formatVersion: 1, number, state: 'completed', values: values!, endedAt: '2026-01-01T00:00:00Z' }));
    const choice = choiceOf(trials, { objectives: OBJECTIVES, finals })!;
    expect(finals.map(({ number }) => number)).toContain(choice.winner);
    const page = await renderStudyReport({ record: recordOf('completed'), trials, objectives: OBJECTIVES, space: SPACE, choice, finals });
    for (const text of [
      'Final round',
      'with seeds that the search did not see',
      'Scores',
      'Pareto front',
      'What matters',
      'Failures',
      'Trials',
      `Winner: trial ${choice.winner}`,
      'DATA_INVALID in train: NaN &#60;b&#62;',
      '±',
    ])
      expect(page).toContain(text);
    expect(page.match(/<svg /g)?.length).toBe(7);
    expect(page).not.toMatch(/(src|href)="(?!data:|#)/);
    expect(page).not.toContain('<script');
  });

  it('is written for a study without any trial that completed', async () => {
    const trials = trialsOf(40).filter(({ state }) => state === 'failed');
    const page = await renderStudyReport({
      record: recordOf('failed'),
      trials,
      objectives: OBJECTIVES,
      space: SPACE,
      choice: undefined,
      finals: [],
    });
    expect(page).toContain('No trial completed');
    expect(page).not.toContain('<svg ');
    const empty = await renderStudyReport({
      record: { ...recordOf('cancelled'), why: 'its workflow was terminated' },
      trials: [],
      objectives: OBJECTIVES,
      space: SPACE,
      finals: [],
      choice: undefined,
    });
    expect(empty).toContain('cancelled: its workflow was terminated');
  });
});
