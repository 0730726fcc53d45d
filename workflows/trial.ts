import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import {
  CancellationScope,
  condition,
  defineSignal,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertMemo,
} from '@temporalio/workflow';
import type { ArtifactRef } from '../src/core/artifact.ts';
import type { PlanStep } from '../src/core/plan.ts';
import { initialRunState, withStep } from '../src/core/run-state.ts';
import type { RunState } from '../src/core/run-state.ts';
import type { ProgressReport, RunFailure, StepOutcome, StepTask } from '../src/core/run.ts';
import { next, obey } from '../src/core/scheduler.ts';
import { TRIAL_STOPPED } from '../src/core/study.ts';
import type { TrialEnd, TrialInput } from '../src/core/study.ts';
import type { StudyActivities, TrialEndRequest } from '../activities/studies.ts';
import { callStep, throughWorkerStops } from './call-step.ts';
import { causeOf, failureOf, isCancelled } from './failures.ts';
import { trialMarkdown } from './study-markdown.ts';

const { endTrial } = proxyLocalActivities<Pick<StudyActivities, 'endTrial'>>({
  startToCloseTimeout: '30 seconds',
  retry: { maximumAttempts: 20, maximumInterval: '10 seconds' },
});

/**
 * One trial of a study: the steps from its tune step to the objective, with the values of one point in them. It ends with its study, and
 * fails by nothing that its steps fail of.
 */
export async function trial(input: TrialInput): Promise<TrialEnd> {
  return new TrialRun(input).execute();
}

class TrialRun {
  readonly #input: TrialInput;
  readonly #steps: readonly PlanStep[];
  readonly #outcomes: Record<string, StepOutcome> = {};
  readonly #executions: Record<string, number> = {};
  #state: RunState;
  #changes = 0;
  #failure: RunFailure | undefined;
  #stopped: string | undefined;
  #progress: ProgressReport | undefined;

  constructor(input: TrialInput) {
    this.#input = input;
    this.#steps = input.suggestion.steps;
    this.#state = initialRunState({ steps: this.#steps });
    for (const id of Object.keys(input.common.given)) this.#state = withStep(this.#state, id, { status: 'completed' });
  }

  async execute(): Promise<TrialEnd> {
    setHandler(
      defineSignal<[ProgressReport]>('progress'),
      (report) => {
        this.#progress = report;
        this.#show();
      },
      { description: 'Progress of a running step, sent by its activity' },
    );
    this.#show();
    const scope = new CancellationScope();
    void CancellationScope.current().cancelRequested.catch(() => {
      this.#state = { ...this.#state, cancelled: true };
      this.#changes += 1;
      scope.cancel();
    });
    return CancellationScope.nonCancellable(() => this.#toEnd(scope));
  }

  async #toEnd(scope: CancellationScope): Promise<TrialEnd> {
    for (;;) {
      const actions = next({ steps: this.#steps }, this.#state);
      this.#state = obey(this.#state, actions);
      if (actions.some(({ kind }) => kind === 'finish')) break;
      const seen = this.#changes;
      for (const action of actions) if (action.kind === 'start') void this.#start(action.step, scope);
      await condition(() => this.#changes !== seen);
    }
    // A trial that was cancelled goes on when its study does.
    if (this.#state.cancelled) throw new CancelledFailure('The study was cancelled.');
    const measured = this.#failure === undefined && this.#stopped === undefined ? this.#values() : undefined;
    if (measured !== undefined && 'code' in measured) this.#failure = measured;
    const end = await endTrial({
      study: this.#input.study,
      number: this.#input.suggestion.number,
      state: this.#stopped !== undefined ? 'stopped' : this.#failure !== undefined ? 'failed' : 'completed',
      ...(Array.isArray(measured) ? { values: measured } : {}),
      ...(this.#failure === undefined || this.#stopped !== undefined ? {} : { failure: this.#failure }),
      cached: this.#steps.every(({ id }) => this.#outcomes[id]?.cached === true),
      ...this.#trained(),
    });
    if (end.state === 'stopped') this.#stopped ??= 'Stopped: it is behind other trials.';
    const values = Object.fromEntries(this.#input.objectives.map(({ name }, at) => [name, end.values?.[at] ?? null]));
    upsertMemo({ state: end.state, ...(end.values === undefined ? {} : { values }) });
    this.#show(end);
    return end;
  }

  async #start(id: string, scope: CancellationScope): Promise<void> {
    const step = this.#steps.find((one) => one.id === id)!;
    try {
      const outcome = await throughWorkerStops(
        () => {
          const execution = (this.#executions[id] = (this.#executions[id] ?? 0) + 1);
          return scope.run(() => callStep(step, this.#task(step), execution, step.heavy === true));
        },
        () => this.#state.cancelled,
      );
      this.#outcomes[id] = outcome;
      const { values } = outcome.result;
      this.#state = withStep(this.#state, id, {
        status: outcome.cached ? 'cached' : 'completed',
        ...(values === undefined ? {} : { values }),
      });
    } catch (error) {
      const cause = causeOf(error);
      const cancelled = isCancelled(error);
      if (cause instanceof ApplicationFailure && cause.type === TRIAL_STOPPED) this.#stopped = cause.message;
      else if (!cancelled) this.#failure ??= failureOf(error, id);
      this.#state = withStep(this.#state, id, { status: cancelled ? 'cancelled' : 'failed' });
    }
    this.#progress = undefined;
    this.#changes += 1;
  }

  #task(step: PlanStep): StepTask {
    const { common, suggestion, study, pipeline } = this.#input;
    const inputs: Record<string, ArtifactRef> = {};
    for (const [name, input] of Object.entries(step.inputs)) {
      const ref = this.#outcomes[input.step]?.result.outputs[input.output] ?? common.given[input.step]?.[input.output];
      if (ref !== undefined) inputs[name] = ref;
    }
    return {
      runId: `${common.runId}/trial-${suggestion.number}`,
      pipeline,
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
      trial: { study, number: suggestion.number, ...(common.stops ? { stops: true } : {}) },
    };
  }

  #trained(): Pick<TrialEndRequest, 'trained'> {
    const { stops, judged } = this.#input.common;
    const model = Object.values(this.#outcomes[judged ?? '']?.result.outputs ?? {}).find(({ kind }) => kind === 'model');
    const epochs = this.#steps.find(({ id }) => id === judged)?.config['epochs'];
    return stops && model !== undefined && typeof epochs === 'number' ? { trained: { model, epochs } } : {};
  }

  /** One for each objective, or why there is none. */
  #values(): number[] | RunFailure {
    const values: number[] = [];
    for (const { name, step, value } of this.#input.objectives) {
      const given = this.#outcomes[step]?.result.values;
      const found = given?.[value];
      if (typeof found === 'number' && Number.isFinite(found)) {
        values.push(found);
        continue;
      }
      const names = Object.entries(given ?? {}).flatMap(([key, one]) => (typeof one === 'number' ? [key] : []));
      return {
        code: 'CONFIG_INVALID',
        message:
          found === undefined
            ? `"${step}" gave no value "${value}" for the objective "${name}"; ${names.length === 0 ? 'it gave no numbers' : `it gave ${names.join(', ')}`}.`
            : `"${step}" gave ${JSON.stringify(found)} as "${value}", which is no number for the objective "${name}".`,
        step,
      };
    }
    return values;
  }

  #show(end?: TrialEnd): void {
    setCurrentDetails(
      trialMarkdown(
        this.#input,
        this.#steps.map(({ id }) => ({ id, status: this.#state.steps[id]!.status })),
        {
          ...(end === undefined ? {} : { end }),
          ...(this.#failure === undefined ? {} : { failure: this.#failure }),
          ...(this.#stopped === undefined ? {} : { stopped: this.#stopped }),
          ...(this.#progress === undefined ? {} : { progress: this.#progress.progress.message }),
        },
      ),
    );
  }
}
