import { ApplicationFailure, CancelledFailure, defineSearchAttributeKey } from '@temporalio/common';
import {
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { Approval } from '../src/core/approval.ts';
import type { ArtifactRef } from '../src/core/artifact.ts';
import { PLAN_FORMAT } from '../src/core/plan.ts';
import type { Plan, PlanStep } from '../src/core/plan.ts';
import { initialRunState, withStep } from '../src/core/run-state.ts';
import type { RunState, RunStatus } from '../src/core/run-state.ts';
import { eventsOfRun } from '../src/core/notification.ts';
import { WAITING, WENT_ON } from '../src/core/run.ts';
import type { PipelineInput, ProgressReport, RunView, StepOutcome, StepTask } from '../src/core/run.ts';
import { approvalAnswered, approvalAsked, runEnded, runStarted, stepEnded, stepStarted } from '../src/core/run-changes.ts';
import type { ToldRun, ToldStep } from '../src/core/run-changes.ts';
import { next, obey, reopen } from '../src/core/scheduler.ts';
import type { TrialCommon } from '../src/core/study.ts';
import { turnPolicy } from '../src/core/turn.ts';
import { Approvals, withAnswer } from './approvals.ts';
import { callStep, throughWorkerStops } from './call-step.ts';
import { ending, failureOf, isCancelled } from './failures.ts';
import { tell } from './outcomes.ts';
import { PATCHES } from './patches.ts';
import { primaryMetric, scheduledTrigger } from './run-facts.ts';
import { runIdIn } from './run-identity.ts';
import { runMarkdown } from './run-markdown.ts';
import type { FoldsResult } from './folds.ts';
import { runFolds, withScores } from './run-folds.ts';
import { runStudy } from './run-study.ts';
import { Changes } from './changes.ts';
import { runView } from './run-view.ts';
import type { StepNote } from './run-view.ts';
import { tellSearch } from './search-attributes.ts';
import { MissedTicks, watchesTicks } from './missed-ticks.ts';
import { Turn } from './turn.ts';
import { madeAgain, stopsUnchanged } from './unchanged.ts';
import type { MadeAgain } from './unchanged.ts';

export const statusQuery = defineQuery<RunView>('status');
export const progressSignal = defineSignal<[ProgressReport]>('progress');
export const retryStepUpdate = defineUpdate<string, [string]>('retryStep');

type Answered = Pick<StepTask, 'pipeline' | 'runId'> & { readonly version: ArtifactRef };

const { recordApproval } = proxyActivities<{ recordApproval(task: Answered, approval: Approval): Promise<void> }>({
  startToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 10 },
  summary: 'Keep the answer with the version',
});

const SCHEDULED_START = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');
const SCHEDULED_BY = defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD');

/**
 * Interprets a plan. What to do is decided by the reducer in `src/core/scheduler.ts` alone; this workflow starts activities,
 * reports results to the reducer, and tells Temporal's UI what is going on.
 *
 * @returns the run, where it completed or a gate rejected it.
 * @throws ApplicationFailure with a code of the error table, the run among its details; CancelledFailure where it was cancelled.
 */
export async function pipeline(input: PipelineInput): Promise<RunView> {
  if (input.plan.planFormat !== PLAN_FORMAT)
    throw ApplicationFailure.nonRetryable(
      `The plan has format ${String(input.plan.planFormat)}; this worker runs format ${PLAN_FORMAT}. Run the document again so that it is compiled by this version.`,
      'PIPELINE_OUTDATED',
    );
  return new PipelineRun(input).execute();
}

class PipelineRun {
  /** With the values of a search in it, as soon as they are known. */
  #plan: Plan;
  readonly #input: PipelineInput;
  readonly #runId: string;
  readonly #nominalTime: string;
  readonly #trigger: string;
  readonly #startedAt: number;
  readonly #notes: Record<string, StepNote> = {};
  readonly #executions: Record<string, number> = {};
  readonly #starts: Record<string, number> = {};
  readonly #told: ToldRun;
  readonly #others = new Changes();
  /** A child of the workflow's scope: cancelling the run cancels the steps, while the loop goes on to see them end. */
  readonly #steps: CancellationScope;
  readonly #turn: Turn;
  readonly #approvals: Approvals;
  /** The turn is another run's. */
  #waits = false;
  /** One run at a time, and it is not this one: it waits for people, and others may go meanwhile. */
  #gaveWay = false;
  #state: RunState;
  #changes = 0;
  #status: RunStatus | 'running' = 'running';
  #endedAt: number | undefined;
  /** The champion, where this run made it again. */
  #again: MadeAgain | undefined;
  /** A step found that there is nothing new to learn from. */
  #nothing = false;

  constructor(input: PipelineInput) {
    const info = workflowInfo();
    const tick = info.typedSearchAttributes.get(SCHEDULED_START);
    this.#input = input;
    this.#plan = input.plan;
    this.#runId = runIdIn(info.workflowId, info.runId);
    this.#nominalTime = input.nominalTime ?? (tick ?? info.startTime).toISOString();
    this.#trigger = scheduledTrigger(input, tick, info.startTime, info.typedSearchAttributes.get(SCHEDULED_BY) !== undefined);
    this.#startedAt = info.startTime.getTime();
    this.#steps = new CancellationScope();
    this.#turn = new Turn(input.plan.pipeline);
    this.#approvals = new Approvals({
      steps: input.plan.steps.map(({ id }) => id),
      over: () => (this.#status === 'running' && !this.#state.cancelled ? undefined : 'the run is over.'),
      changed: () => (this.#changes += 1),
    });
    this.#state = initialRunState(input.plan);
    for (const step of input.plan.steps) this.#notes[step.id] = {};
    this.#told = {
      plan: input.plan,
      input,
      workflowId: info.workflowId,
      executionId: info.runId,
      runId: this.#runId,
      trigger: this.#trigger,
      nominalTime: this.#nominalTime,
    };
  }

  async execute(): Promise<RunView> {
    this.#handleMessages();
    if (this.#trigger !== this.#input.trigger) tellSearch({ Trigger: this.#trigger });
    void CancellationScope.current().cancelRequested.catch(() => this.#change({ ...this.#state, cancelled: true }));
    const missed = watchesTicks(this.#plan, this.#trigger) && patched(PATCHES.makesUp) ? new MissedTicks(this.#input) : undefined;
    const status = await CancellationScope.nonCancellable(() => this.#inTurn());
    if (missed !== undefined) {
      // A cancel that comes after the end of a run does not reach it any more.
      if (patched(PATCHES.endsOnce)) await CancellationScope.nonCancellable(() => missed.makeUp(status));
      else await missed.makeUp(status);
    }
    if (patched(PATCHES.outcomes)) await this.#tell(status);
    this.#others.tell((moment) => runEnded(this.#told, status, this.#view(), moment));
    await CancellationScope.nonCancellable(() => this.#others.settle());
    return this.#finish(status);
  }

  /** One run of a pipeline at a time, whatever started it, unless it is declared otherwise. */
  async #inTurn(): Promise<RunStatus> {
    const policy = turnPolicy(this.#input, this.#trigger);
    if (policy === 'allow' || !patched(PATCHES.turns)) return this.#interpret();
    const taken = await this.#takeTurn(policy);
    if (!taken && !this.#state.cancelled) return this.#giveUp();
    const status = await this.#interpret();
    this.#status = status;
    await this.#turn.release();
    return status;
  }

  async #takeTurn(policy: Parameters<Turn['take']>[0]): Promise<boolean> {
    const taken = await this.#turn.take(
      policy,
      () => this.#state.cancelled,
      () => {
        this.#waits = true;
        this.#show();
      },
    );
    if (taken || this.#state.cancelled) this.#waits = false;
    return taken;
  }

  /** A run that does nothing but wait for people lets others go; what it finds changed afterwards, its promotion is judged by again. */
  async #giveWay(): Promise<void> {
    const running = this.#plan.steps.filter(({ id }) => this.#state.steps[id]!.status === 'running');
    if (!this.#turn.held || running.length === 0 || running.some(({ id }) => this.#approvals.openOf(id) === undefined)) return;
    this.#gaveWay = true;
    await this.#turn.release();
  }

  async #goOn(): Promise<void> {
    this.#gaveWay = false;
    await this.#takeTurn('queue');
  }

  async #tell(status: RunStatus): Promise<void> {
    this.#status = status;
    this.#endedAt = Date.now();
    const { headline: summary, pipeline, workflowId: workflow, trigger, model, version, live, standing, startedAt } = this.#view();
    // A run that gave way says nothing about the pipeline.
    if (status === 'skipped') return;
    await tell(
      {
        pipeline,
        kind: 'run',
        outcome: status,
        summary,
        workflow,
        trigger,
        model,
        ...(version === null ? {} : { version }),
        seconds: (this.#endedAt - Date.parse(startedAt)) / 1_000,
      },
      { targets: this.#plan.on.notify, events: eventsOfRun(status, live, standing), version },
    );
  }

  #giveUp(): RunStatus {
    this.#waits = true;
    for (const { id } of this.#plan.steps)
      this.#change(withStep(this.#state, id, { status: 'skipped', why: 'another run of the pipeline was going' }));
    return 'skipped';
  }

  async #interpret(): Promise<RunStatus> {
    this.#others.tell((moment) => runStarted(this.#told, moment));
    for (;;) {
      while (this.#gaveWay && next(this.#plan, this.#state).some(({ kind }) => kind === 'start')) await this.#goOn();
      const actions = next(this.#plan, this.#state);
      this.#state = obey(this.#state, actions);
      const seen = this.#changes;
      for (const action of actions) {
        if (action.kind === 'finish')
          return action.status === 'completed' && (this.#again !== undefined || this.#nothing) ? 'nothingNew' : action.status;
        if (action.kind === 'skip') this.#note(action.step, { reason: action.why });
        else void this.#start(this.#step(action.step));
      }
      this.#show();
      await this.#giveWay();
      await condition(() => this.#changes !== seen);
    }
  }

  /** Runs one step to its end and reports it to the state. Never rejects. */
  async #start(step: PlanStep): Promise<void> {
    const startedAt = Date.now();
    const told = this.#toldStep(step);
    this.#others.tell((moment) => stepStarted(this.#told, told, moment));
    this.#note(step.id, {
      startedAt,
      endedAt: undefined,
      failure: undefined,
      progress: undefined,
      outcome: undefined,
      reason: undefined,
    });
    try {
      const outcome = await this.#answered(step, await this.#attempts(step));
      this.#note(step.id, { outcome, endedAt: Date.now() });
      const rejected = outcome.result.verdict?.passed === false;
      if (!rejected) await this.#stopIfUnchanged(step, outcome);
      const status = rejected ? 'rejected' : outcome.cached ? 'cached' : 'completed';
      this.#others.tell((moment) => stepEnded(this.#told, told, { status, outcome, durationMs: Date.now() - startedAt }, moment));
      this.#change(
        withStep(this.#state, step.id, { status, ...(outcome.result.values === undefined ? {} : { values: outcome.result.values }) }),
      );
    } catch (error) {
      const cancelled = isCancelled(error);
      const failure = failureOf(error, step.id);
      const status = cancelled ? 'cancelled' : 'failed';
      this.#others.tell((moment) =>
        stepEnded(this.#told, told, { status, ...(cancelled ? {} : { failure }), durationMs: Date.now() - startedAt }, moment),
      );
      this.#note(step.id, { outcome: undefined, endedAt: Date.now(), ...(cancelled ? { reason: 'cancelled' } : { failure }) });
      this.#change(withStep(this.#state, step.id, { status, why: failure.message }));
    }
  }

  #toldStep(step: PlanStep): ToldStep {
    const execution = (this.#starts[step.id] = (this.#starts[step.id] ?? 0) + 1);
    return { step, execution, inputs: this.#task(step).inputs };
  }

  /** What a step asks people is answered before it counts as done. */
  async #answered(step: PlanStep, outcome: StepOutcome): Promise<StepOutcome> {
    const { asks, verdict } = outcome.result;
    if (asks === undefined || verdict?.passed === false) return outcome;
    const given = this.#input.answers?.[step.id];
    if (given !== undefined) return withAnswer(outcome, given);
    this.#note(step.id, { outcome, progress: undefined });
    tellSearch({ Verdict: WAITING });
    upsertMemo({ summary: asks.text });
    this.#others.tell((moment) => approvalAsked(this.#told, step.id, asks, moment));
    const approval = await this.#steps.run(() => this.#approvals.ask(step.id, asks, asks.timeoutMs ?? step.startToCloseMs));
    this.#others.tell((moment) => approvalAnswered(this.#told, step.id, approval, moment));
    tellSearch({ Verdict: this.#approvals.open.length > 0 ? WAITING : WENT_ON });
    const version = Object.entries(step.inputs).find(([, { kind }]) => kind === 'version')?.[0];
    const ref = version === undefined ? undefined : this.#task(step).inputs[version];
    if (ref !== undefined)
      await this.#steps.run(() => recordApproval({ pipeline: this.#plan.pipeline, runId: this.#runId, version: ref }, approval));
    return withAnswer(outcome, approval);
  }

  /** What takes a model that serves already has nothing to do. */
  async #stopIfUnchanged(step: PlanStep, outcome: StepOutcome): Promise<void> {
    const { nothingNew } = outcome.result;
    if (nothingNew !== undefined) {
      this.#nothing = true;
      return this.#skipTakers(step, `nothing new to learn from: ${nothingNew}`);
    }
    if (!stopsUnchanged(this.#plan, this.#trigger) || !Object.values(step.outputs).includes('model') || !patched(PATCHES.nothingNew))
      return;
    const again = await this.#steps.run(() => madeAgain(step, outcome));
    if (again === undefined) return;
    this.#again = again;
    this.#skipTakers(step, `nothing new to learn from: "${step.id}" gave the model of version ${again.version} again, which is champion`);
  }

  #skipTakers({ id: from }: PlanStep, why: string): void {
    for (const { id, inputs } of this.#plan.steps) {
      if (!Object.values(inputs).some((input) => input.step === from) || this.#state.steps[id]!.status !== 'pending') continue;
      this.#note(id, { reason: why });
      this.#change(withStep(this.#state, id, { status: 'skipped', why }));
    }
  }

  async #attempts(step: PlanStep): Promise<StepOutcome> {
    if (step.tune !== undefined) return this.#search(step);
    const scores = step.folds === undefined ? undefined : await this.#steps.run(() => this.#folds(step));
    const heavy = step.heavy === true || this.#input.heavy?.includes(step.id) === true;
    const outcome = await throughWorkerStops(
      () => {
        const execution = (this.#executions[step.id] = (this.#executions[step.id] ?? 0) + 1);
        return this.#steps.run(() => callStep(step, this.#task(step), execution, heavy));
      },
      () => this.#state.cancelled,
    );
    return scores === undefined ? outcome : withScores(outcome, scores);
  }

  #folds(step: PlanStep): Promise<FoldsResult> {
    const { documentDir, planRevision, nominalTime, trigger } = this.#task(step);
    const { readCache } = this.#input;
    const from = step.folds!.steps.flatMap(({ inputs }) => Object.values(inputs).map((input) => input.step));
    return runFolds(this.#plan.pipeline, step, {
      runId: this.#runId,
      documentDir,
      planRevision,
      nominalTime,
      trigger,
      ...(readCache === undefined ? {} : { readCache }),
      given: this.#outputsOf(from),
    });
  }

  /** Runs a study; its winner decides what the steps are that wait for it. */
  async #search(step: PlanStep): Promise<StepOutcome> {
    const { steps, outcome } = await this.#steps.run(() =>
      runStudy(this.#plan, step, this.#task(step), this.#given(step), this.#input.readCache),
    );
    this.#plan = {
      ...this.#plan,
      steps: this.#plan.steps.map((one) => (one.search === step.id ? (steps.find(({ id }) => id === one.id) ?? one) : one)),
    };
    return outcome;
  }

  /** What other steps gave of what the trials of a search take. */
  #given(step: PlanStep): TrialCommon['given'] {
    return this.#outputsOf(Object.values(step.inputs).map((input) => input.step));
  }

  #outputsOf(ids: readonly string[]): TrialCommon['given'] {
    const given: Record<string, Readonly<Record<string, ArtifactRef>>> = {};
    for (const id of ids) if (Object.hasOwn(this.#notes, id)) given[id] = this.#notes[id]!.outcome?.result.outputs ?? {};
    return given;
  }

  #task(step: PlanStep): StepTask {
    const inputs: Record<string, ArtifactRef> = {};
    for (const [name, input] of Object.entries(step.inputs)) {
      const ref = this.#notes[input.step]?.outcome?.result.outputs[input.output];
      if (ref !== undefined) inputs[name] = ref;
    }
    return {
      runId: this.#runId,
      pipeline: this.#plan.pipeline,
      stepId: step.id,
      type: step.type,
      version: step.version,
      config: step.config,
      inputs,
      ...(Object.values(step.inputs).some(({ kind }) => kind === 'version') ? { evaluations: this.#evaluations(step.id) } : {}),
      ...this.#approvalsBefore(step.id),
      documentDir: this.#plan.documentDir,
      planRevision: this.#plan.revision,
      nominalTime: this.#nominalTime,
      trigger: this.#trigger,
      cache: step.cache && this.#input.readCache === false ? 'write' : step.cache,
    };
  }

  /** What people let through before a step, in the order of the document. */
  #approvalsBefore(id: string): Pick<StepTask, 'approvals'> {
    const position = this.#plan.steps.findIndex((step) => step.id === id);
    const approvals = this.#plan.steps
      .slice(0, position)
      .map((step) => this.#approvals.of(step.id))
      .filter((approval): approval is Approval => approval?.decision === 'approved');
    return approvals.length === 0 ? {} : { approvals };
  }

  /** All that judged before a step, in the order of the document. */
  #evaluations(id: string): ArtifactRef[] {
    const position = this.#plan.steps.findIndex((step) => step.id === id);
    return this.#plan.steps
      .slice(0, position)
      .flatMap((step) => Object.values(this.#notes[step.id]?.outcome?.result.outputs ?? {}))
      .filter(({ kind }) => kind === 'evaluation');
  }

  #handleMessages(): void {
    setHandler(statusQuery, () => this.#view(), { description: 'The run: steps, metrics, verdict' });
    this.#approvals.handleMessages();
    setHandler(progressSignal, (report) => this.#progress(report), { description: 'Progress of a running step, sent by its activity' });
    setHandler(retryStepUpdate, (id) => this.#retry(id), {
      description: 'Start a failed or rejected step once more, with what depends on it, while the run goes on',
      validator: (id) => this.#checkRetry(id),
    });
  }

  #progress(report: ProgressReport): void {
    if (this.#state.steps[report.step]?.status !== 'running') return;
    this.#note(report.step, { progress: report.progress });
    if (report.progress.epoch !== undefined) tellSearch({ Epoch: report.progress.epoch });
    this.#show();
  }

  #checkRetry(id: unknown): void {
    const step = typeof id === 'string' && Object.hasOwn(this.#state.steps, id) ? this.#state.steps[id] : undefined;
    if (step === undefined)
      throw ApplicationFailure.nonRetryable(
        `There is no step "${String(id)}". There is: ${this.#plan.steps.map((known) => known.id).join(', ')}.`,
        'NOT_FOUND',
      );
    if (this.#status !== 'running' || this.#state.cancelled)
      throw ApplicationFailure.nonRetryable('The run is over; start it again with `perennial runs retry`.', 'USAGE');
    if (step.status !== 'failed' && step.status !== 'rejected')
      throw ApplicationFailure.nonRetryable(
        `The step "${String(id)}" is ${step.status}; only failed and rejected steps can be retried.`,
        'USAGE',
      );
  }

  #retry(id: string): string {
    this.#change(reopen(this.#plan, this.#state, id));
    return `The step "${id}" starts again.`;
  }

  #finish(status: RunStatus): RunView {
    this.#status = status;
    this.#endedAt ??= Date.now();
    const view = this.#view();
    this.#show();
    const primary = primaryMetric(this.#plan, view);
    tellSearch({
      Verdict: view.verdict === 'rejected' || status !== 'completed' ? status : (view.verdict ?? 'completed'),
      ...(view.model === null ? {} : { Model: view.model }),
      ...(view.version === null ? {} : { ModelVersion: String(view.version) }),
      ...(primary === undefined ? {} : { PrimaryMetric: primary.value }),
    });
    if (primary !== undefined && patched(PATCHES.primaryMetricName)) upsertMemo({ primaryMetric: primary.name });
    if (status === 'cancelled') throw new CancelledFailure(view.stoppedBy === undefined ? 'The run was cancelled.' : view.headline);
    if (status !== 'failed') return view;
    const failure = view.failure ?? { code: 'STEP_FAILED', message: 'A step failed.' };
    const where = failure.step === undefined ? '' : `Step "${failure.step}": `;
    throw ending({ code: failure.code, message: `${where}${failure.message}` }, [view]);
  }

  #view(): RunView {
    return runView({
      plan: this.#plan,
      state: this.#state,
      notes: this.#notes,
      runId: this.#runId,
      workflowId: workflowInfo().workflowId,
      executionId: workflowInfo().runId,
      status: this.#status,
      ...(this.#again === undefined ? {} : { again: this.#again }),
      asks: this.#approvals.open,
      stoppedBy: this.#turn.takenBy,
      ...(this.#waits ? { holder: this.#turn.holder ?? 'another one' } : {}),
      trigger: this.#trigger,
      ...(this.#input.why === undefined ? {} : { why: this.#input.why }),
      ...(this.#input.evidence === undefined ? {} : { evidence: this.#input.evidence }),
      nominalTime: this.#nominalTime,
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
      now: Date.now(),
    });
  }

  #show(): void {
    setCurrentDetails(runMarkdown(this.#view(), this.#input.why));
  }

  #note(id: string, change: StepNote): void {
    this.#notes[id] = { ...this.#notes[id], ...change };
  }

  #change(state: RunState): void {
    this.#state = state;
    this.#changes += 1;
  }

  #step(id: string): PlanStep {
    return this.#plan.steps.find((step) => step.id === id)!;
  }
}
