import { describe, expect, it } from 'vitest';
import type { Plan, PlanStep } from '../../../src/core/plan.ts';
import { initialRunState, withStep } from '../../../src/core/run-state.ts';
import type { RunState, StepState, StepStatus } from '../../../src/core/run-state.ts';
import { dependenciesOf, next, obey, reopen } from '../../../src/core/scheduler.ts';

function step(id: string, more: Partial<PlanStep> = {}, inputs: readonly string[] = []): PlanStep {
  const given = Object.fromEntries(inputs.map((from) => [from, { step: from, output: 'data', kind: 'data' as const }]));
  return { id, inputs: given, ...more } as PlanStep;
}

const plan = (...steps: PlanStep[]): Pick<Plan, 'steps'> => ({ steps });
const started = (of: Pick<Plan, 'steps'>, ended: Readonly<Record<string, StepState>>): RunState =>
  Object.entries(ended).reduce((state, [id, change]) => withStep(state, id, change), initialRunState(of));
const SCORE = { step: 'a', value: 'score', atLeast: 0.5 };

describe('a step with a condition', () => {
  const conditional = plan(step('a'), step('b', { if: SCORE }));

  it('starts where the condition holds', () => {
    expect(next(conditional, started(conditional, { a: { status: 'completed', values: { score: 0.5 } } }))).toEqual([
      { kind: 'start', step: 'b' },
    ]);
  });

  it.each<[StepState, string]>([
    [{ status: 'completed', values: { score: 0.4 } }, 'its condition does not hold: a.score 0.4 is below 0.5'],
    [{ status: 'failed' }, 'its condition does not hold: "a" failed and so gave no "score"'],
    [{ status: 'completed', values: {} }, 'its condition does not hold: "a" gave no value "score"'],
  ])('is skipped where it does not hold or cannot be known: %j', (a, why) => {
    expect(next(conditional, started(conditional, { a }))[0]).toEqual({ kind: 'skip', step: 'b', status: 'skipped', why });
  });

  it('waits for what its condition reads', () => {
    expect(next(conditional, started(conditional, { a: { status: 'running' } }))).toEqual([]);
    expect(dependenciesOf(conditional.steps[1]!)).toEqual(['a']);
  });
});

describe('a step that takes values from a search', () => {
  // A search stands behind the steps whose values it looks for.
  const searching = plan(step('t', { search: 's' }), step('s'));

  it('waits for the search and starts with what it found', () => {
    expect(next(searching, initialRunState(searching))).toEqual([{ kind: 'start', step: 's' }]);
    for (const status of ['completed', 'cached'] as const)
      expect(next(searching, started(searching, { s: { status } }))).toEqual([{ kind: 'start', step: 't' }]);
    expect(dependenciesOf(searching.steps[0]!)).toEqual(['s']);
  });

  it.each<[StepStatus, string]>([
    ['failed', 'failed'],
    ['rejected', 'was rejected'],
    ['skipped', 'was skipped'],
  ])('is skipped where the search %s', (status, words) => {
    expect(next(searching, started(searching, { s: { status } }))[0]).toEqual({
      kind: 'skip',
      step: 't',
      status: 'skipped',
      why: `takes values from the search of "s", which ${words}`,
    });
  });
});

describe('a step whose model is judged', () => {
  const judged = plan(step('e'), step('r', { judges: ['e'] }));

  it.each<[StepStatus, boolean]>([
    ['completed', true],
    ['cached', true],
    ['skipped', true],
    ['failed', false],
    ['rejected', false],
  ])('after a judge that ended as %s: starts %s', (status, starts) => {
    const [action] = next(judged, started(judged, { e: { status } }));
    expect(action!.kind).toBe(starts ? 'start' : 'skip');
  });
});

describe('a cancelled run', () => {
  it('starts nothing more, and says that it was cancelled', () => {
    const two = plan(step('a'), step('b', {}, ['a']));
    const state = { ...started(two, { a: { status: 'cancelled' } }), cancelled: true };
    expect(next(two, state)).toEqual([
      { kind: 'skip', step: 'b', status: 'cancelled', why: 'the run was cancelled' },
      { kind: 'finish', status: 'cancelled' },
    ]);
  });
});

describe('what a run ends as', () => {
  it.each<[StepStatus[], string]>([
    [['completed', 'cached', 'skipped'], 'completed'],
    [['completed', 'rejected', 'skipped'], 'rejected'],
    [['rejected', 'failed', 'completed'], 'failed'],
    [['failed', 'cancelled', 'rejected'], 'cancelled'],
  ])('with steps that are %j: %s', (statuses, end) => {
    const steps = plan(...statuses.map((_, at) => step(`s${at}`)));
    const state = started(steps, Object.fromEntries(statuses.map((status, at) => [`s${at}`, { status }])));
    expect(next(steps, state)).toEqual([{ kind: 'finish', status: end }]);
    expect(obey(state, [{ kind: 'finish', status: 'completed' }])).toBe(state);
  });
});

it('reopens a step with all that depends on it, and nothing else', () => {
  const chain = plan(step('a'), step('b', {}, ['a']), step('c', {}, ['b']), step('d', {}, ['a']));
  const state = started(chain, {
    a: { status: 'completed' },
    b: { status: 'failed' },
    c: { status: 'skipped', why: 'needs' },
    d: { status: 'completed' },
  });
  expect(Object.entries(reopen(chain, state, 'b').steps).map(([id, { status }]) => [id, status])).toEqual([
    ['a', 'completed'],
    ['b', 'pending'],
    ['c', 'pending'],
    ['d', 'completed'],
  ]);
});

it('refuses a state that is not of its plan', () => {
  expect(() => next(plan(step('a')), { steps: {}, cancelled: false })).toThrow('The state has no step "a".');
});
