import type { JsonObject } from './json.ts';
import type { Plan } from './plan.ts';

/** `completed`, `cached`, `skipped`, `failed`, `rejected` and `cancelled` are final; a final step never changes again by itself. */
export type StepStatus = 'pending' | 'running' | 'completed' | 'cached' | 'skipped' | 'failed' | 'rejected' | 'cancelled';

/**
 * `skipped`: another run of the pipeline was going, and this one was not to wait. `nothingNew`: a run that started by itself made the
 * very model that is champion already.
 */
export type RunStatus = 'completed' | 'failed' | 'rejected' | 'cancelled' | 'skipped' | 'nothingNew';

export interface StepState {
  readonly status: StepStatus;
  /** What the step gave for conditions to read (`StepResult.values`); rejected steps have values too. */
  readonly values?: JsonObject;
  /** Why the step was skipped or cancelled, for people. */
  readonly why?: string;
}

/** Where a run stands: plain data, all that the scheduler knows. */
export interface RunState {
  readonly steps: Readonly<Record<string, StepState>>;
  /** True once the run was asked to stop: nothing more is started. */
  readonly cancelled: boolean;
}

export function initialRunState(plan: Pick<Plan, 'steps'>): RunState {
  const steps: Record<string, StepState> = {};
  for (const step of plan.steps) steps[step.id] = { status: 'pending' };
  return { steps, cancelled: false };
}

/** The state with one step changed. */
export function withStep(state: RunState, id: string, change: StepState): RunState {
  return { ...state, steps: { ...state.steps, [id]: change } };
}

export function isFinal(status: StepStatus): boolean {
  return status !== 'pending' && status !== 'running';
}

/** True where the step's outputs are there for others to take. */
export function hasOutputs(status: StepStatus): boolean {
  return status === 'completed' || status === 'cached';
}
