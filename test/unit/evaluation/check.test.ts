import { describe, expect, it } from 'vitest';
import type { StepFacts } from '../../../src/core/step.ts';
import { checkEvaluation } from '../../../src/evaluation/step/check-evaluation.ts';

const facts = (model?: string): StepFacts => ({
  pipeline: 'penguins',
  before: [],
  after: [{ id: 'register', type: 'register', config: model === undefined ? {} : { model } }],
});

describe('checkEvaluation', () => {
  it('accepts what fits', () => {
    expect(checkEvaluation({}, facts())).toEqual([]);
    expect(checkEvaluation({ gates: [{ metric: 'accuracy', atLeast: 0.9 }] }, facts())).toEqual([]);
    expect(
      checkEvaluation(
        { metrics: ['f1', { f1: { average: 'macro', as: 'macroF1' } }], gates: [{ metric: 'macroF1', notWorseThanChampionBy: 0 }] },
        facts(),
      ),
    ).toEqual([]);
    expect(
      checkEvaluation({ metrics: ['f1'], champion: 'birds', gates: [{ metric: 'f1', notWorseThanChampionBy: 0 }] }, facts('birds')),
    ).toEqual([]);
  });

  it('finds every mistake', () => {
    const problems = checkEvaluation(
      {
        metrics: ['f1', 'f1'],
        gates: [
          { metric: 'f1', atLeast: 1 },
          { metric: 'accuracy', betterThanChampionBy: 0 },
        ],
      },
      facts('birds'),
    );
    expect(problems).toEqual([
      { pointer: '/metrics', message: 'The metric "f1" is asked for twice.', fix: expect.stringContaining('"as"') },
      { pointer: '/gates/1/metric', message: 'The gate reads "accuracy", but "metrics" has: f1, f1.', fix: 'Add "accuracy" to "metrics".' },
      {
        pointer: '/gates',
        message: 'The gates compare with the champion of "penguins", and the register step writes to "birds".',
        fix: 'Set "champion": "birds".',
      },
    ]);
  });

  it('knows what is measured of the model in use, and which tests fit which metrics', () => {
    const messages = (gates: readonly object[]): string[] =>
      checkEvaluation({ metrics: ['accuracy', 'logLoss', { accuracy: { as: 'right' } }], gates: gates as never }, facts()).map(
        ({ pointer, message }) => `${pointer}: ${message}`,
      );
    expect(
      messages([
        { metric: 'latencyMs', atMost: 20 },
        { metric: 'modelBytes', notWorseThanChampionBy: 0.1, relative: true },
        { metric: 'right', notSignificantlyWorseThanChampion: true, test: 'mcnemar' },
      ]),
    ).toEqual([]);
    expect(
      messages([
        { metric: 'latency', atMost: 20 },
        { metric: 'latencyMs', atMost: 20, slices: ['island'] },
        { metric: 'logLoss', notSignificantlyWorseThanChampion: true, test: 'mcnemar' },
        { metric: 'accuracy', betterThanChampionBy: 0.1, significant: true, test: 'mcnemar' },
        { metric: 'accuracy', betterThanChampionBy: 0.1, test: 'bootstrap' },
      ]),
    ).toEqual([
      '/gates/0/metric: The gate reads "latency", but "metrics" has: accuracy, logLoss, right.',
      '/gates/1/slices: "latencyMs" is one number of the whole model, for which "slices" has no meaning.',
      `/gates/2/test: McNemar's test is about accuracy, and the gate is on "logLoss".`,
      "/gates/3/test: McNemar's test knows no margin.",
      '/gates/4/test: "test" says how chance is ruled out, and the gate does not ask for it.',
    ]);
  });
});
