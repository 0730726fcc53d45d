import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Condition, Plan, PlanStep } from '../../../src/core/plan.ts';
import { initialRunState, isFinal, withStep } from '../../../src/core/run-state.ts';
import type { RunState, StepState } from '../../../src/core/run-state.ts';
import { dependenciesOf, next, obey, reopen } from '../../../src/core/scheduler.ts';

type Ending = 'completed' | 'cached' | 'failed' | 'rejected';
interface Scenario {
  readonly plan: Plan;
  readonly endings: Readonly<Record<string, Ending>>;
  readonly scores: Readonly<Record<string, number>>;
}

function makePlan(steps: readonly PlanStep[]): Plan {
  return { planFormat: 1, pipeline: 'p', description: '', documentDir: '/', revision: '', parameters: {}, steps, on: {} };
}

function makeStep(id: string, inputs: readonly string[], condition?: Condition): PlanStep {
  return {
    id,
    type: 'x',
    version: 1,
    config: {},
    inputs: Object.fromEntries(inputs.map((step) => [`from-${step}`, { step, output: 'data', kind: 'data' as const }])),
    outputs: { data: 'data' },
    retry: { maximumAttempts: 1, initialIntervalMs: 1, backoffCoefficient: 1, maximumIntervalMs: 1 },
    startToCloseMs: 1,
    heartbeatMs: 1,
    cache: true,
    summary: id,
    ...(condition === undefined ? {} : { if: condition }),
  };
}

const scenario: fc.Arbitrary<Scenario> = fc.integer({ min: 1, max: 12 }).chain((size) =>
  fc
    .tuple(
      fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: size, maxLength: size }),
      fc.array(fc.option(fc.tuple(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), { nil: undefined }), {
        minLength: size,
        maxLength: size,
      }),
      fc.array(fc.constantFrom<Ending>('completed', 'completed', 'completed', 'cached', 'failed', 'rejected'), {
        minLength: size,
        maxLength: size,
      }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: size, maxLength: size }),
    )
    .map(([edges, conditions, endings, scores]) => {
      const ids = Array.from({ length: size }, (_, index) => `s${index}`);
      const steps = ids.map((id, index) => {
        const inputs = index === 0 ? [] : [...new Set(edges[index]!.map((edge) => ids[edge % index]!))];
        const drawn = conditions[index];
        if (drawn === undefined || index === 0) return makeStep(id, inputs);
        const test: Condition = { step: ids[drawn[0] % index]!, value: 'score', atLeast: drawn[1] };
        return makeStep(id, inputs, drawn[2] ? { not: test } : test);
      });
      return {
        plan: makePlan(steps),
        endings: Object.fromEntries(ids.map((id, index) => [id, endings[index]!])),
        scores: Object.fromEntries(ids.map((id, index) => [id, scores[index]!])),
      };
    }),
);

interface Trace {
  readonly state: RunState;
  readonly started: readonly string[];
  readonly status: string | undefined;
  readonly rounds: number;
}

/** Plays a run; `pick` chooses which of the running steps ends next. */
function play({ plan, endings, scores }: Scenario, pick: (running: readonly string[]) => string, cancelAfter = Infinity): Trace {
  let state = initialRunState(plan);
  const started: string[] = [];
  const running: string[] = [];
  for (let round = 0; round <= 2 * plan.steps.length + 2; round++) {
    if (round === cancelAfter) state = { ...state, cancelled: true };
    const actions = next(plan, state);
    for (const action of actions) {
      if (action.kind === 'finish') return { state: obey(state, actions), started, status: action.status, rounds: round };
      const before = state.steps[action.step]!;
      expect(before.status).toBe('pending');
      if (action.kind === 'start') {
        for (const id of dependenciesOf(plan.steps.find((step) => step.id === action.step)!))
          expect(isFinal(state.steps[id]!.status)).toBe(true);
        started.push(action.step);
        running.push(action.step);
      }
    }
    state = obey(state, actions);
    const id = pick(running);
    running.splice(running.indexOf(id), 1);
    const ending: StepState = { status: endings[id]!, ...(endings[id] === 'failed' ? {} : { values: { score: scores[id]! } }) };
    state = withStep(state, id, ending);
  }
  return { state, started, status: undefined, rounds: Infinity };
}

const first = (running: readonly string[]): string => running[0]!;
const last = (running: readonly string[]): string => running.at(-1)!;

describe('scheduler', () => {
  it('ends every step exactly once, after its inputs, and terminates', () => {
    fc.assert(
      fc.property(scenario, (drawn) => {
        const { state, started, status } = play(drawn, first);
        expect(status).toBeDefined();
        expect(new Set(started).size).toBe(started.length);
        for (const step of drawn.plan.steps) expect(isFinal(state.steps[step.id]!.status)).toBe(true);
      }),
    );
  });

  it('comes to the same end whatever the order of completions', () => {
    fc.assert(
      fc.property(scenario, fc.infiniteStream(fc.nat()), (drawn, stream) => {
        const one = play(drawn, first);
        const other = play(drawn, last);
        const third = play(drawn, (running) => running[stream.next().value! % running.length]!);
        expect(other.state).toEqual(one.state);
        expect(third.state).toEqual(one.state);
        expect([other.status, third.status]).toEqual([one.status, one.status]);
        expect([...other.started].sort()).toEqual([...one.started].sort());
      }),
    );
  });

  it('isolates failure: what depends on nothing bad is run', () => {
    fc.assert(
      fc.property(scenario, (drawn) => {
        const { state, status } = play(drawn, first);
        for (const step of drawn.plan.steps) {
          const inputs = Object.values(step.inputs).map((input) => state.steps[input.step]!.status);
          const good = inputs.every((given) => given === 'completed' || given === 'cached');
          const own = state.steps[step.id]!;
          if (!good) expect(own.status).toBe('skipped');
          if (good && step.if === undefined) expect(own.status).toBe(drawn.endings[step.id]);
          if (own.status === 'skipped') expect(own.why).toMatch(/\w/);
        }
        const ended = Object.values(state.steps).map((step) => step.status);
        expect(status).toBe(ended.includes('failed') ? 'failed' : ended.includes('rejected') ? 'rejected' : 'completed');
      }),
    );
  });

  it('starts nothing after a cancellation and still finishes', () => {
    fc.assert(
      fc.property(scenario, fc.nat({ max: 6 }), (drawn, cancelAfter) => {
        const { state, status } = play(drawn, first, cancelAfter);
        expect(status).toBeDefined();
        const cancelled = Object.values(state.steps).filter((step) => step.status === 'cancelled');
        if (cancelled.length > 0) expect(status).toBe('cancelled');
      }),
    );
  });

  it('opens a failed step and what follows it again, and keeps the rest', () => {
    fc.assert(
      fc.property(scenario, (drawn) => {
        const { state } = play(drawn, first);
        const failed = drawn.plan.steps.find((step) => state.steps[step.id]!.status === 'failed');
        if (failed === undefined) return;
        const opened = reopen(drawn.plan, state, failed.id);
        expect(next(drawn.plan, opened)).toContainEqual({ kind: 'start', step: failed.id });
        for (const step of drawn.plan.steps) {
          const follows = step.id === failed.id || dependenciesOf(step).some((id) => opened.steps[id]!.status === 'pending');
          expect(opened.steps[step.id]).toEqual(follows ? { status: 'pending' } : state.steps[step.id]);
        }
      }),
    );
  });
});

describe('scheduler, by example', () => {
  const plan = makePlan([makeStep('a', []), makeStep('b', []), makeStep('c', ['a', 'b']), makeStep('d', ['c'])]);

  it('starts independent steps together', () => {
    expect(next(plan, initialRunState(plan))).toEqual([
      { kind: 'start', step: 'a' },
      { kind: 'start', step: 'b' },
    ]);
  });

  it('says why it skips, down the chain, and finishes in the same call', () => {
    let state = withStep(initialRunState(plan), 'a', { status: 'completed' });
    state = withStep(state, 'b', { status: 'failed' });
    expect(next(plan, state)).toEqual([
      { kind: 'skip', step: 'c', status: 'skipped', why: 'needs the data of "b", which failed' },
      { kind: 'skip', step: 'd', status: 'skipped', why: 'needs the data of "c", which was skipped' },
      { kind: 'finish', status: 'failed' },
    ]);
  });

  it('treats a missing value as neither true nor false, also under "not"', () => {
    const test: Condition = { step: 'a', value: 'f1', atLeast: 0.9 };
    for (const condition of [test, { not: test }]) {
      const guarded = makePlan([makeStep('a', []), makeStep('b', [], condition)]);
      const state = withStep(initialRunState(guarded), 'a', { status: 'completed', values: { accuracy: 1 } });
      expect(next(guarded, state)[0]).toEqual({
        kind: 'skip',
        step: 'b',
        status: 'skipped',
        why: 'its condition does not hold: "a" gave no value "f1"; it gave accuracy',
      });
    }
  });
});
