import { conditionSteps, evaluateCondition } from './conditions.ts';
import type { Plan, PlanStep } from './plan.ts';
import { hasOutputs, isFinal, withStep } from './run-state.ts';
import type { RunState, RunStatus, StepStatus } from './run-state.ts';

/** What the workflow has to do now. `finish` comes once, alone or after skips, when every step is final. */
export type Action =
  | { readonly kind: 'start'; readonly step: string }
  | { readonly kind: 'skip'; readonly step: string; readonly status: 'skipped' | 'cancelled'; readonly why: string }
  | { readonly kind: 'finish'; readonly status: RunStatus };

/**
 * The scheduler: which steps may start, which are skipped and why, and whether the run is over. Pure: the same plan and state
 * give the same actions. A step is decided on once everything it depends on (inputs and what its `if` reads) is final, so that
 * the outcome does not depend on the order in which steps complete. Obey the actions with {@link obey}, then report results.
 */
export function next(plan: Pick<Plan, 'steps'>, state: RunState): readonly Action[] {
  const actions: Action[] = [];
  let seen = state;
  // Dependencies point to earlier steps, so one pass carries a skip all the way down; a search alone waits for steps after it.
  for (let before = -1; before < actions.length;) {
    before = actions.length;
    for (const step of plan.steps) {
      if (statusOf(seen, step.id) !== 'pending') continue;
      const action = decide(step, seen);
      if (action === undefined) continue;
      actions.push(action);
      seen = obey(seen, [action]);
    }
  }
  const statuses = plan.steps.map((step) => statusOf(seen, step.id));
  if (statuses.every(isFinal)) actions.push({ kind: 'finish', status: runStatus(statuses) });
  return actions;
}

/** The state after the actions: started steps are running, skipped ones final. */
export function obey(state: RunState, actions: readonly Action[]): RunState {
  let after = state;
  for (const action of actions) {
    if (action.kind === 'start') after = withStep(after, action.step, { status: 'running' });
    else if (action.kind === 'skip') after = withStep(after, action.step, { status: action.status, why: action.why });
  }
  return after;
}

/** Ids of the steps that a step waits for: its inputs, its judges, its search, and what its `if` reads. */
export function dependenciesOf(step: PlanStep): string[] {
  const ids = new Set([...Object.values(step.inputs).map((input) => input.step), ...(step.judges ?? [])]);
  if (step.search !== undefined) ids.add(step.search);
  if (step.if !== undefined) for (const id of conditionSteps(step.if)) ids.add(id);
  return [...ids];
}

/**
 * The state in which a step that failed, was rejected, skipped or cancelled can start once more: the step and everything that
 * depends on it, however far, are pending again. Results of other steps stay.
 */
export function reopen(plan: Pick<Plan, 'steps'>, state: RunState, id: string): RunState {
  const open = new Set([id]);
  let after = state;
  for (const step of plan.steps) {
    if (step.id !== id && !dependenciesOf(step).some((dependency) => open.has(dependency))) continue;
    open.add(step.id);
    after = withStep(after, step.id, { status: 'pending' });
  }
  return after;
}

function decide(step: PlanStep, state: RunState): Action | undefined {
  if (state.cancelled) return { kind: 'skip', step: step.id, status: 'cancelled', why: 'the run was cancelled' };
  const dependencies = dependenciesOf(step);
  if (!dependencies.every((id) => isFinal(statusOf(state, id)))) return undefined;
  const missing = Object.values(step.inputs).find((input) => !hasOutputs(statusOf(state, input.step)));
  if (missing !== undefined) {
    const why = `needs the ${missing.kind} of "${missing.step}", which ${ENDED[statusOf(state, missing.step)]}`;
    return { kind: 'skip', step: step.id, status: 'skipped', why };
  }
  if (step.search !== undefined && !hasOutputs(statusOf(state, step.search))) {
    const why = `takes values from the search of "${step.search}", which ${ENDED[statusOf(state, step.search)]}`;
    return { kind: 'skip', step: step.id, status: 'skipped', why };
  }
  const against = step.judges?.find((id) => ['failed', 'rejected', 'cancelled'].includes(statusOf(state, id)));
  if (against !== undefined)
    return {
      kind: 'skip',
      step: step.id,
      status: 'skipped',
      why: `"${against}", which judges its model, ${ENDED[statusOf(state, against)]}`,
    };
  if (step.if !== undefined) {
    const outcome = evaluateCondition(step.if, state);
    if (outcome.holds !== true)
      return { kind: 'skip', step: step.id, status: 'skipped', why: `its condition does not hold: ${outcome.why}` };
  }
  return { kind: 'start', step: step.id };
}

const ENDED: Readonly<Record<StepStatus, string>> = {
  pending: 'is pending',
  running: 'is running',
  completed: 'completed',
  cached: 'was cached',
  skipped: 'was skipped',
  failed: 'failed',
  rejected: 'was rejected',
  cancelled: 'was cancelled',
};

function statusOf(state: RunState, id: string): StepStatus {
  // A plan and a state that do not belong together must not deadlock a run.
  const step = state.steps[id];
  if (step === undefined) throw new Error(`The state has no step "${id}".`);
  return step.status;
}

function runStatus(statuses: readonly StepStatus[]): RunStatus {
  if (statuses.includes('cancelled')) return 'cancelled';
  if (statuses.includes('failed')) return 'failed';
  return statuses.includes('rejected') ? 'rejected' : 'completed';
}
