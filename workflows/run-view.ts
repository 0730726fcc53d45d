import type { OpenQuestion } from '../src/core/approval.ts';
import type { Plan, PlanStep } from '../src/core/plan.ts';
import type { RunState, RunStatus, StepStatus } from '../src/core/run-state.ts';
import type { RunFailure, RunLinks, RunView, StepOutcome, StepView } from '../src/core/run.ts';
import { verdictWord } from '../src/core/step.ts';
import type { StepProgress } from '../src/core/step.ts';
import { headlineOf } from './run-headline.ts';
import { standingOf } from './standing.ts';

/** What the workflow knows of a step besides its state. Times in milliseconds of workflow time. */
export interface StepNote {
  readonly startedAt?: number | undefined;
  readonly endedAt?: number | undefined;
  readonly outcome?: StepOutcome | undefined;
  readonly failure?: RunFailure | undefined;
  readonly reason?: string | undefined;
  readonly progress?: StepProgress | undefined;
}

export interface RunFacts {
  readonly plan: Plan;
  readonly state: RunState;
  readonly notes: Readonly<Record<string, StepNote>>;
  readonly runId: string;
  readonly workflowId: string;
  readonly executionId: string;
  readonly status: RunStatus | 'running';
  readonly trigger: string;
  readonly nominalTime: string;
  readonly why?: string;
  readonly evidence?: RunView['evidence'];
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly now: number;
  /** What people are asked; absent: nothing. */
  readonly asks?: readonly OpenQuestion[];
  /** The run that goes before this one. */
  readonly holder?: string | undefined;
  /** The run that stopped this one. */
  readonly stoppedBy?: string | undefined;
  /** The champion, where the run made it again. */
  readonly again?: { readonly model: string; readonly version: number };
}

/** The run as it is shown: pure, from the facts alone. What people read first comes first. */
export function runView(facts: RunFacts): RunView {
  const others = judgesOfOthers(facts.plan);
  const steps = facts.plan.steps.map((step) => stepView(step, facts, others.has(step.id)));
  const failed = steps.find((step) => step.failure !== undefined && step.status === 'failed');
  const judged = steps.filter((step) => step.verdict !== undefined);
  const again = facts.status === 'nothingNew' ? facts.again : undefined;
  const version = again === undefined ? lastValues(facts.plan, steps, 'version') : { ...again };
  const deployment = again === undefined ? lastValues(facts.plan, steps, 'deployment') : { live: true };
  const view = {
    runId: facts.runId,
    workflowId: facts.workflowId,
    executionId: facts.executionId,
    pipeline: facts.plan.pipeline,
    status: facts.status,
    failure: failed?.failure ?? null,
    ...(facts.stoppedBy === undefined || facts.status !== 'cancelled' ? {} : { stoppedBy: facts.stoppedBy }),
    verdict: verdictOf(judged),
    trigger: facts.trigger,
    ...(facts.why === undefined ? {} : { why: facts.why }),
    ...(facts.evidence === undefined ? {} : { evidence: facts.evidence }),
    nominalTime: facts.nominalTime,
    model: typeof version?.model === 'string' ? version.model : null,
    version: typeof version?.version === 'number' ? version.version : null,
    ...standingOf(version, deployment),
    metrics: metricsOf(facts.plan, steps),
    links: linksOf(facts),
    steps,
    startedAt: new Date(facts.startedAt).toISOString(),
    endedAt: facts.endedAt === undefined ? null : new Date(facts.endedAt).toISOString(),
  } as const;
  return { headline: headlineOf(view, facts.holder), ...view };
}

/**
 * Of a whole run: rejected by one; else what was said of the model that it registers, passed by one that had something to pass, or
 * ungated.
 */
function verdictOf(judged: readonly StepView[]): RunView['verdict'] {
  if (judged.some(({ verdict }) => verdictWord(verdict!) === 'rejected')) return 'rejected';
  const words = judged.filter(({ ofAnotherModel }) => ofAnotherModel !== true).map(({ verdict }) => verdictWord(verdict!));
  return (['passed', 'ungated'] as const).find((word) => words.includes(word)) ?? (judged.length === 0 ? null : 'ungated');
}

/** Steps that judge another model than the one that the run registers. Where it registers none, or several, all judge its own. */
function judgesOfOthers(plan: Plan): Set<string> {
  const modelOf = (step: PlanStep): string | undefined => {
    const model = Object.values(step.inputs).find(({ kind }) => kind === 'model');
    return model === undefined ? undefined : `${model.step}.${model.output}`;
  };
  const registered = plan.steps.filter(({ outputs }) => Object.values(outputs).includes('version')).map(modelOf);
  const [own] = registered;
  if (own === undefined || registered.some((model) => model !== own)) return new Set();
  return new Set(plan.steps.filter((step) => (modelOf(step) ?? own) !== own).map(({ id }) => id));
}

function stepView(step: PlanStep, facts: RunFacts, isOfOther: boolean): StepView {
  const note = facts.notes[step.id] ?? {};
  const status = facts.state.steps[step.id]!.status;
  const { outcome } = note;
  const asks = facts.asks?.find((question) => question.step === step.id);
  return {
    id: step.id,
    type: step.type,
    status,
    cached: outcome?.cached === true,
    reason: outcome?.reason ?? note.reason ?? '',
    durationMs: durationOf(note, status, facts.now),
    ...(outcome?.result.values === undefined ? {} : { values: outcome.result.values }),
    // A verdict that waits for people is none yet.
    ...(outcome?.result.verdict === undefined || asks !== undefined
      ? {}
      : { verdict: outcome.result.verdict, ...(isOfOther ? { ofAnotherModel: true as const } : {}) }),
    ...(note.failure === undefined ? {} : { failure: note.failure }),
    // How far a cancelled or failed step came is worth knowing, too.
    ...(outcome === undefined && note.progress !== undefined
      ? { progress: status === 'running' ? note.progress : stoppedAt(note.progress) }
      : {}),
    ...(outcome === undefined ? {} : { outputs: outcome.result.outputs }),
    ...(outcome?.result.nothingNew === undefined ? {} : { nothingNew: outcome.result.nothingNew }),
    ...(outcome?.result.details === undefined ? {} : { details: outcome.result.details }),
    ...(asks === undefined ? {} : { asks }),
  };
}

/** How far a step came that does not go on: nothing is left of what it took for granted. */
function stoppedAt({ secondsLeft: _left, samplesPerSecond: _speed, ...progress }: StepProgress): StepProgress {
  return progress;
}

/** What the step itself took where it says so; else the time between start and end, waiting included. */
function durationOf(note: StepNote, status: StepStatus, now: number): number {
  if (note.outcome !== undefined && note.outcome.result.asks === undefined) return note.outcome.durationMs;
  if (note.startedAt === undefined) return 0;
  return (status === 'running' ? now : (note.endedAt ?? now)) - note.startedAt;
}

/** Metrics of the run's own model: those of the champion and the baseline stand in the step's values beside them. */
function metricsOf(plan: Plan, steps: readonly StepView[]): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (const [name, value] of Object.entries(lastValues(plan, steps, 'evaluation') ?? {}))
    if (typeof value === 'number' && name !== 'rows' && !/^(baseline|champion)_/.test(name)) metrics[name] = value;
  return metrics;
}

/** Links of later steps win: they know of the registered version. */
function linksOf(facts: RunFacts): RunLinks {
  return Object.assign({}, ...facts.plan.steps.map((step) => facts.notes[step.id]?.outcome?.links ?? {})) as RunLinks;
}

/** Values of the last step that gave an artifact of the kind. */
function lastValues(plan: Plan, steps: readonly StepView[], kind: string): StepView['values'] {
  let found: StepView['values'];
  plan.steps.forEach((step, index) => {
    if (Object.values(step.outputs).some((output) => output === kind) && steps[index]?.values !== undefined) found = steps[index].values;
  });
  return found;
}
