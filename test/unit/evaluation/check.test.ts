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
});
