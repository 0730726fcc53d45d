import type { Approval, OpenQuestion } from './approval.ts';
import type { ArtifactRef } from './artifact.ts';
import type { Change, ChangeType } from './change.ts';
import type { Json, JsonObject } from './json.ts';
import type { NotificationEvent } from './notification.ts';
import type { Outcome } from './outcome.ts';
import type { Plan, PlanStep } from './plan.ts';
import type { RunStatus, StepStatus } from './run-state.ts';
import type { PipelineInput, RunFailure, RunView, StepOutcome } from './run.ts';

/** Which execution of which plan. */
export interface ToldRun {
  readonly plan: Plan;
  readonly input: Pick<PipelineInput, 'why' | 'evidence'>;
  readonly workflowId: string;
  /** Temporal's id of the execution. */
  readonly executionId: string;
  readonly runId: string;
  readonly trigger: string;
  readonly nominalTime: string;
}

/** When, and the how manieth change of the run it is. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly ms: number;
  readonly order: number;
}

/** How a step goes on or ended. */
export interface ToldStep {
  readonly step: PlanStep;
  /** 1 for the first; a step that failed can be started once more. */
  readonly execution: number;
  readonly inputs: Readonly<Record<string, ArtifactRef>>;
}

const RUN_TYPES: Readonly<Record<RunStatus, ChangeType>> = {
  completed: 'run.completed',
  failed: 'run.failed',
  rejected: 'run.rejected',
  cancelled: 'run.cancelled',
  skipped: 'run.skipped',
  nothingNew: 'run.nothingNew',
};

const STEP_TYPES: Readonly<Partial<Record<StepStatus, ChangeType>>> = {
  completed: 'step.completed',
  cached: 'step.completed',
  rejected: 'step.rejected',
  failed: 'step.failed',
  cancelled: 'step.cancelled',
};

/** Settings by which a step names files that it reads or writes, and what it expects of its data. */
const NAMING = ['source', 'to', 'expect'] as const;

const plain = (value: unknown): Json => value as Json;

/** What all changes of a run say of it. */
function runFacts({ plan, workflowId, executionId, runId, trigger, nominalTime }: ToldRun): JsonObject {
  return { run: workflowId, executionId, runId, pipeline: plan.pipeline, trigger, nominalTime };
}

function change(run: ToldRun, type: ChangeType, key: string, moment: Moment, data: JsonObject): Change {
  const { plan, workflowId, executionId, runId } = run;
  return {
    key: `run/${workflowId}/${executionId}/${key}`,
    type,
    at: new Date(moment.ms).toISOString(),
    subject: `pipelines/${plan.pipeline}/runs/${runId}`,
    order: moment.order,
    pipeline: plan.pipeline,
    model: null,
    data: { ...runFacts(run), ...data },
  };
}

export function runStarted(run: ToldRun, moment: Moment): Change {
  const { plan, input } = run;
  return change(run, 'run.started', 'started', moment, {
    description: plan.description,
    revision: plan.revision,
    parameters: plan.parameters,
    steps: plan.steps.map(({ id }) => id),
    ...(input.why === undefined ? {} : { why: input.why }),
    ...(input.evidence === undefined ? {} : { evidence: input.evidence }),
  });
}

export function runEnded(run: ToldRun, status: RunStatus, view: RunView, moment: Moment): Change {
  const { headline, model, version, live, standing, metrics, verdict, failure, startedAt, endedAt, why, evidence } = view;
  return change(run, RUN_TYPES[status], 'ended', moment, {
    status,
    summary: headline,
    model,
    version,
    live,
    standing,
    metrics: { ...metrics },
    verdict,
    failure: plain(failure),
    startedAt,
    endedAt,
    ...(why === undefined ? {} : { why }),
    ...(evidence === undefined ? {} : { evidence }),
  });
}

export function stepStarted(run: ToldRun, told: ToldStep, moment: Moment): Change {
  const { step, execution } = told;
  return {
    ...change(run, 'step.started', `step/${step.id}/${execution}/started`, moment, {
      ...stepFacts(told),
      description: step.summary,
      config: step.config,
    }),
    hints: hintsOf(run, told),
  };
}

/** How a step ended. undefined: it was not done. */
export function stepEnded(
  run: ToldRun,
  told: ToldStep,
  end: { readonly status: StepStatus; readonly outcome?: StepOutcome; readonly failure?: RunFailure; readonly durationMs: number },
  moment: Moment,
): Change | undefined {
  const type = STEP_TYPES[end.status];
  if (type === undefined) return undefined;
  const { outcome, failure, durationMs } = end;
  const result = outcome?.result;
  return {
    ...change(run, type, `step/${told.step.id}/${told.execution}/ended`, moment, {
      ...stepFacts(told),
      status: end.status,
      cached: outcome?.cached === true,
      ...(outcome === undefined ? {} : { reason: outcome.reason, outputs: plain(outcome.result.outputs) }),
      durationMs: outcome?.durationMs ?? durationMs,
      ...(result?.values === undefined ? {} : { values: result.values }),
      ...(result?.verdict === undefined ? {} : { verdict: plain(result.verdict) }),
      ...(result?.nothingNew === undefined ? {} : { nothingNew: result.nothingNew }),
      ...(failure === undefined ? {} : { failure: plain(failure) }),
    }),
    hints: hintsOf(run, told),
  };
}

/** The steps that began and were not ended, as they are told where their run was cut off: nobody asked its code. */
export function stepsCutOff(told: readonly Change[], at: string): Change[] {
  const ended = new Set(told.filter(({ type }) => /^step\.(?!started)/.test(type)).map(({ key }) => key));
  const begun = new Map(
    told.filter(({ type }) => type === 'step.started').map((change) => [change.key.replace(/started$/, 'ended'), change]),
  );
  return [...begun]
    .filter(([key]) => !ended.has(key))
    .map(([key, started], index): Change => {
      const { description: _description, config: _config, ...facts } = started.data;
      const durationMs = Math.max(0, Date.parse(at) - Date.parse(started.at));
      // After the end of the run, which was told before any step was.
      return {
        ...started,
        key,
        type: 'step.cancelled',
        at,
        order: index + 1,
        data: { ...facts, status: 'cancelled', cached: false, durationMs },
      };
    });
}

export function approvalAsked(run: ToldRun, step: string, question: Pick<OpenQuestion, 'text'>, moment: Moment): Change {
  return change(run, 'approval.asked', `approval/${step}/${moment.order}/asked`, moment, { step, question: question.text });
}

export function approvalAnswered(run: ToldRun, step: string, approval: Approval, moment: Moment): Change {
  return change(run, 'approval.answered', `approval/${step}/${moment.order}/answered`, moment, {
    ...(plain(approval) as JsonObject),
    step,
  });
}

function stepFacts({ step, execution, inputs }: ToldStep): JsonObject {
  return { step: step.id, type: step.type, execution, inputs: plain(inputs) };
}

/** What lineage is looked up by, and is part of no event. */
function hintsOf({ plan }: ToldRun, { step, inputs }: ToldStep): JsonObject {
  return {
    documentDir: plan.documentDir,
    config: Object.fromEntries(NAMING.flatMap((name) => (step.config[name] === undefined ? [] : [[name, step.config[name]]]))),
    from: Object.fromEntries(
      Object.entries(step.inputs).flatMap(([port, input]) => (port in inputs ? [[port, `${input.step}.${input.output}`]] : [])),
    ),
  };
}

const CHECK_TYPES: Readonly<Partial<Record<NotificationEvent, ChangeType>>> = {
  failed: 'check.failed',
  drifted: 'drift.detected',
  degraded: 'performance.degraded',
  triggered: 'trigger.fired',
  blocked: 'model.blocked',
  paused: 'pipeline.paused',
};

/** What a check that found something tells. That it rolled back, the routing tells. */
export function changesOfCheck(
  outcome: Outcome,
  events: readonly NotificationEvent[],
  { version, executionId }: { readonly version: number | null; readonly executionId: string },
): Change[] {
  const { pipeline, kind, outcome: led, summary, workflow, trigger, model, at } = outcome;
  return events.flatMap((event, order): Change[] => {
    const type = CHECK_TYPES[event];
    if (type === undefined) return [];
    return [
      {
        key: `check/${workflow}/${executionId}/${type}`,
        type,
        at,
        subject: `pipelines/${pipeline}/checks/${kind}`,
        order,
        pipeline,
        model,
        data: { pipeline, check: workflow, executionId, kind, outcome: led, summary, trigger, model, version },
      },
    ];
  });
}
