import { ApplicationFailure } from '@temporalio/common';
import { CancellationScope, condition, defineSignal, setHandler } from '@temporalio/workflow';
import type { ArtifactRef } from '../src/core/artifact.ts';
import type { PlanStep } from '../src/core/plan.ts';
import { initialRunState, isFinal, withStep } from '../src/core/run-state.ts';
import type { RunState, StepStatus } from '../src/core/run-state.ts';
import type { ProgressReport, RunFailure, StepOutcome, StepTask } from '../src/core/run.ts';
import { dependenciesOf, next, obey } from '../src/core/scheduler.ts';
import { TRIAL_STOPPED } from '../src/core/study.ts';
import type { TrialCommon } from '../src/core/study.ts';
import { callStep, throughWorkerStops } from './call-step.ts';
import { causeOf, failureOf, isCancelled } from './failures.ts';

export interface StepsRunOptions {
  readonly steps: readonly PlanStep[];
  readonly common: Pick<TrialCommon, 'given' | 'documentDir' | 'planRevision' | 'nominalTime' | 'trigger' | 'readCache'>;
  /** What tasks of this run say besides their step. */
  readonly task: Pick<StepTask, 'runId' | 'pipeline' | 'trial'>;
  /** Runs before all others, with what it is made from. */
  readonly first?: string;
  /** After a failure nothing more is started, also where it would not need what failed. */
  readonly endsWithFailure: boolean;
  /** Is told whenever there is something else to be seen. */
  readonly changed: () => void;
}

/** Some steps of a plan, run to their end inside of another workflow than the run's. */
export class StepsRun {
  readonly outcomes: Record<string, StepOutcome> = {};
  /** The first failure. */
  failure: RunFailure | undefined;
  /** Why it ended although nothing failed. */
  stopped: string | undefined;
  progress: ProgressReport | undefined;
  readonly #options: StepsRunOptions;
  readonly #executions: Record<string, number> = {};
  #state: RunState;
  #changes = 0;

  constructor(options: StepsRunOptions) {
    this.#options = options;
    this.#state = initialRunState(options);
    for (const id of Object.keys(options.common.given)) this.#state = withStep(this.#state, id, { status: 'completed' });
  }

  get cancelled(): boolean {
    return this.#state.cancelled;
  }

  get statuses(): readonly { readonly id: string; readonly status: StepStatus }[] {
    return this.#options.steps.map(({ id }) => ({ id, status: this.#state.steps[id]!.status }));
  }

  /** Never rejects. */
  async toEnd(): Promise<void> {
    setHandler(
      defineSignal<[ProgressReport]>('progress'),
      (report) => {
        this.progress = report;
        this.#options.changed();
      },
      { description: 'Progress of a running step, sent by its activity' },
    );
    this.#options.changed();
    const scope = new CancellationScope();
    void CancellationScope.current().cancelRequested.catch(() => {
      this.#state = { ...this.#state, cancelled: true };
      this.#changes += 1;
      scope.cancel();
    });
    await CancellationScope.nonCancellable(() => this.#interpret(scope));
  }

  async #interpret(scope: CancellationScope): Promise<void> {
    const { steps, first } = this.#options;
    if (first !== undefined) await this.#toEndOf(leadingTo(first, steps), scope);
    await this.#toEndOf(steps, scope);
  }

  async #toEndOf(steps: readonly PlanStep[], scope: CancellationScope): Promise<void> {
    for (;;) {
      const actions = next({ steps }, this.#state);
      this.#state = obey(this.#state, actions);
      if (actions.some(({ kind }) => kind === 'finish')) return;
      const seen = this.#changes;
      for (const action of actions) if (action.kind === 'start') void this.#start(action.step, scope);
      await condition(() => this.#changes !== seen);
    }
  }

  async #start(id: string, scope: CancellationScope): Promise<void> {
    const step = this.#options.steps.find((one) => one.id === id)!;
    try {
      const outcome = await throughWorkerStops(
        () => {
          const execution = (this.#executions[id] = (this.#executions[id] ?? 0) + 1);
          return scope.run(() => callStep(step, this.#task(step), execution, step.heavy === true));
        },
        () => this.#state.cancelled,
      );
      this.outcomes[id] = outcome;
      const { values } = outcome.result;
      this.#state = withStep(this.#state, id, {
        status: outcome.cached ? 'cached' : 'completed',
        ...(values === undefined ? {} : { values }),
      });
    } catch (error) {
      const cause = causeOf(error);
      const cancelled = isCancelled(error);
      if (cause instanceof ApplicationFailure && cause.type === TRIAL_STOPPED) this.stopped = cause.message;
      else if (!cancelled) this.failure ??= failureOf(error, id);
      this.#state = withStep(this.#state, id, { status: cancelled ? 'cancelled' : 'failed' });
      if (this.#options.endsWithFailure) this.#skipRest();
    }
    this.progress = undefined;
    this.#changes += 1;
    this.#options.changed();
  }

  #skipRest(): void {
    for (const { id } of this.#options.steps)
      if (!isFinal(this.#state.steps[id]!.status) && this.#state.steps[id]!.status !== 'running')
        this.#state = withStep(this.#state, id, { status: 'skipped', why: 'another step failed' });
  }

  #task(step: PlanStep): StepTask {
    const { common, task } = this.#options;
    const inputs: Record<string, ArtifactRef> = {};
    for (const [name, input] of Object.entries(step.inputs)) {
      const ref = this.outcomes[input.step]?.result.outputs[input.output] ?? common.given[input.step]?.[input.output];
      if (ref !== undefined) inputs[name] = ref;
    }
    const { trial, ...own } = task;
    return {
      ...own,
      stepId: step.id,
      type: step.type,
      version: step.version,
      config: step.config,
      inputs,
      documentDir: common.documentDir,
      planRevision: common.planRevision,
      nominalTime: common.nominalTime,
      trigger: common.trigger,
      cache: step.cache && common.readCache === false ? 'write' : step.cache,
      ...(trial === undefined ? {} : { trial }),
    };
  }
}

/** A step and those that it waits for. */
function leadingTo(id: string, steps: readonly PlanStep[]): PlanStep[] {
  const found = new Set([id]);
  for (const step of [...steps].reverse()) if (found.has(step.id)) for (const before of dependenciesOf(step)) found.add(before);
  return steps.filter((step) => found.has(step.id));
}
