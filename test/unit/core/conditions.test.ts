import { describe, expect, it } from 'vitest';
import { conditionSteps, evaluateCondition } from '../../../src/core/conditions.ts';
import type { Condition } from '../../../src/core/plan.ts';
import type { RunState } from '../../../src/core/run-state.ts';

const state = {
  steps: {
    a: { status: 'completed', values: { score: 0.9, name: 'x', list: [1, { b: 2, a: 1 }], flag: false } },
    b: { status: 'skipped' },
    cut: { status: 'cancelled' },
    bad: { status: 'failed' },
    no: { status: 'rejected', values: { score: 0.1 } },
    hit: { status: 'cached', values: {} },
    late: { status: 'running' },
  },
} as unknown as RunState;

const holds = (condition: Condition): boolean | 'unknown' => evaluateCondition(condition, state).holds;
const YES: Condition = { step: 'a', value: 'score', equals: 0.9 };
const NO: Condition = { step: 'a', value: 'score', equals: 1 };
const OPEN: Condition = { step: 'a', value: 'nothing', equals: 1 };

describe('a comparison', () => {
  it.each<[Condition, boolean | 'unknown', string]>([
    [{ step: 'a', value: 'score', atLeast: 0.9 }, true, 'a.score 0.9 is at least 0.9'],
    [{ step: 'a', value: 'score', atLeast: 0.90001 }, false, 'a.score 0.9 is below 0.90001'],
    [{ step: 'a', value: 'score', atMost: 0.9 }, true, 'a.score 0.9 is at most 0.9'],
    [{ step: 'a', value: 'score', atMost: 0.89999 }, false, 'a.score 0.9 is above 0.89999'],
    [{ step: 'a', value: 'name', equals: 'x' }, true, 'a.name is "x"'],
    [{ step: 'a', value: 'name', equals: 'y' }, false, 'a.name is "x", not "y"'],
    [{ step: 'a', value: 'list', equals: [1, { a: 1, b: 2 }] }, true, 'a.list is'],
    [{ step: 'a', value: 'flag', equals: false }, true, 'a.flag is false'],
    [{ step: 'a', value: 'name', atLeast: 1 }, 'unknown', 'a.name is "x", which is not a number to compare'],
    [{ step: 'a', value: 'toString', equals: 1 }, 'unknown', 'toString'],
    [{ step: 'b', value: 'score', atLeast: 0 }, 'unknown', 'b'],
    [{ step: 'c', value: 'score', atLeast: 0 }, 'unknown', 'c'],
  ])('%j: %s', (condition, expected, why) => {
    const outcome = evaluateCondition(condition, state);
    expect(outcome.holds).toBe(expected);
    expect(outcome.why).toContain(why);
  });

  it.each<[string, string]>([
    ['b', '"b" was skipped and so gave no "x"'],
    ['cut', '"cut" was cancelled and so gave no "x"'],
    ['bad', '"bad" failed and so gave no "x"'],
    ['late', '"late" running and so gave no "x"'],
    ['no', '"no" gave no value "x"; it gave score'],
    ['hit', '"hit" gave no value "x"'],
    ['c', 'there is no step "c"'],
  ])('with what is not there (%s) tells why', (step, why) => {
    expect(evaluateCondition({ step, value: 'x', equals: 1 }, state)).toEqual({ holds: 'unknown', why });
  });

  it('may be settled by the document', () => {
    expect(evaluateCondition({ always: true }, state)).toEqual({ holds: true, why: '"if" says always' });
    expect(evaluateCondition({ always: false }, state)).toEqual({ holds: false, why: '"if" says never' });
  });
});

describe('what is not known', () => {
  // Kleene's tables.
  it.each<[Condition, Condition, boolean | 'unknown', boolean | 'unknown']>([
    [YES, YES, true, true],
    [YES, NO, false, true],
    [NO, NO, false, false],
    [YES, OPEN, 'unknown', true],
    [NO, OPEN, false, 'unknown'],
    [OPEN, OPEN, 'unknown', 'unknown'],
  ])('decides where it can: %j and %j', (one, other, all, any) => {
    expect([holds({ all: [one, other] }), holds({ all: [other, one] })]).toEqual([all, all]);
    expect([holds({ any: [one, other] }), holds({ any: [other, one] })]).toEqual([any, any]);
  });

  it('stays unknown under "not"', () => {
    expect([holds({ not: YES }), holds({ not: NO }), holds({ not: OPEN })]).toEqual([false, true, 'unknown']);
    expect(evaluateCondition({ not: YES }, state).why).toBe('a.score is 0.9');
  });

  it('is told by what decided', () => {
    expect(evaluateCondition({ all: [YES, NO, OPEN] }, state).why).toBe('a.score is 0.9, not 1');
    expect(evaluateCondition({ any: [NO, YES, OPEN] }, state).why).toBe('a.score is 0.9');
    expect(evaluateCondition({ all: [YES, YES] }, state).why).toBe('a.score is 0.9 and a.score is 0.9');
    expect(evaluateCondition({ any: [NO, OPEN, NO] }, state)).toMatchObject({ holds: 'unknown' });
  });
});

it('names the steps that it reads once each, in the order of the text', () => {
  const of = (step: string): Condition => ({ step, value: 'x', equals: 1 });
  expect(conditionSteps({ all: [of('b'), { not: of('a') }, { any: [of('b'), of('c')] }, { always: true }] })).toEqual(['b', 'a', 'c']);
  expect(conditionSteps({ always: true })).toEqual([]);
});
