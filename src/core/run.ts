import type { Approval, OpenQuestion } from './approval.ts';
import type { ArtifactRef } from './artifact.ts';
import type { JsonObject } from './json.ts';
import type { Plan, TurnPolicy } from './plan.ts';
import type { RunStatus, StepStatus } from './run-state.ts';
import type { StepProgress, StepResult, StepVerdict } from './step.ts';
import type { TrialTask } from './tune-plan.ts';

/** Who or what started a run. */
export const TRIGGERS = ['manual', 'schedule', 'backfill', 'drift', 'newData', 'reproduce'] as const;
/** One of these, or the name of a trigger that has a definition. */
export type Trigger = (typeof TRIGGERS)[number] | (string & {});

/** Runs that make something of the past again. They register at most, and move no alias: what serves is about now. */
const OF_THE_PAST: Readonly<Record<string, string>> = { backfill: 'a backfill', reproduce: 'a reproduction' };

/** What a run of the past is, in words; undefined for a run that may move aliases. */
export function ofThePast(trigger: string): string | undefined {
  return Object.hasOwn(OF_THE_PAST, trigger) ? OF_THE_PAST[trigger] : undefined;
}

/** The one argument of the workflow `pipeline`. */
export interface PipelineInput {
  readonly plan: Plan;
  /** What a run started by a schedule says is decided by the workflow: "schedule", or "backfill" for ticks of the past. */
  readonly trigger: Trigger;
  /** ISO 8601 UTC; absent: the schedule's tick, else the start of the run. */
  readonly nominalTime?: string;
  /** false: no step reads the cache; what they make is still written to it. */
  readonly readCache?: boolean;
  /** Steps that compute for long: their tasks go to the queue of {@link heavyQueue}. */
  readonly heavy?: readonly string[];
  /** What happens where another run of the pipeline is going; absent: what the plan says. */
  readonly overlap?: TurnPolicy;
  /** Why the run was started, for people, e.g. "drift of 3 of 6 columns". */
  readonly why?: string;
  /** Of a reproduction, by step: what people answered in the first run. Nobody is asked again; the answers let nothing else through. */
  readonly answers?: Readonly<Record<string, Approval>>;
  /** What a trigger found. */
  readonly evidence?: JsonObject;
}

/** The one argument of a step's activity `<type>@<version>`. */
export interface StepTask {
  readonly runId: string;
  readonly pipeline: string;
  readonly stepId: string;
  readonly type: string;
  readonly version: number;
  readonly config: JsonObject;
  readonly inputs: Readonly<Record<string, ArtifactRef>>;
  /** Of a step that takes a version: what judged its model in this run. Absent in tasks of runs that began with 0.2. */
  readonly evaluations?: readonly ArtifactRef[];
  /** What people let through before it; absent: nobody was asked. */
  readonly approvals?: readonly Approval[];
  readonly documentDir: string;
  readonly planRevision: string;
  readonly nominalTime: string;
  readonly trigger: string;
  /** false: neither read nor write. "write": the run was asked not to read. */
  readonly cache: boolean | 'write';
  /** Of a step of a trial. */
  readonly trial?: TrialTask;
}

/** What a step's activity gives back to the workflow. */
export interface StepOutcome {
  readonly result: StepResult;
  readonly cached: boolean;
  /** Why the cache hit or missed, one line. */
  readonly reason: string;
  readonly durationMs: number;
  /** Where to read more about what came out, by name, e.g. `{ report: "http://…" }`. Of the servers that run now, so never cached. */
  readonly links?: RunLinks;
}

/** Addresses on the prediction server. */
export interface RunLinks {
  /** HTML of the evaluation. */
  readonly report?: string;
  /** The model as it is served. */
  readonly model?: string;
  /** What became of the model. */
  readonly timeline?: string;
}

/** What went wrong, as it is shown: code of the error table, message with what to do. */
export interface RunFailure {
  readonly code: string;
  readonly message: string;
  readonly step?: string;
}

/** One step of a run, as people and `--json` see it. */
export interface StepView {
  readonly id: string;
  readonly type: string;
  readonly status: StepStatus;
  readonly cached: boolean;
  readonly reason: string;
  readonly durationMs: number;
  readonly values?: JsonObject;
  readonly verdict?: StepVerdict;
  /** The verdict is about another model than the one that the run registers. */
  readonly ofAnotherModel?: true;
  readonly failure?: RunFailure;
  readonly progress?: StepProgress;
  readonly outputs?: Readonly<Record<string, ArtifactRef>>;
  readonly details?: string;
  /** Why it gave nothing to learn from. */
  readonly nothingNew?: string;
  /** What it waits for people to say; only while it does. */
  readonly asks?: OpenQuestion;
}

/** A run as the query `status` and the result of the workflow show it. */
export interface RunView {
  /** One sentence: what came of it, or where it is. First, so that the UI shows it first. */
  readonly headline: string;
  readonly runId: string;
  readonly workflowId: string;
  /** Temporal's id of this execution. */
  readonly executionId: string;
  readonly pipeline: string;
  readonly status: RunStatus | 'running';
  readonly failure: RunFailure | null;
  /** The workflow id of the run that stopped this one to go in its place; only where one did. */
  readonly stoppedBy?: string;
  /** What the gates said of the run's model: "ungated" where a step judged and none was set, `null` where no step judged. */
  readonly verdict: 'passed' | 'rejected' | 'ungated' | null;
  readonly trigger: string;
  /** Why it was started, and what the trigger found; only where one did. */
  readonly why?: string;
  readonly evidence?: JsonObject;
  readonly nominalTime: string;
  readonly model: string | null;
  readonly version: number | null;
  /** Whether the version was the champion when the run last looked; null: there is no version, or no step deploys it. */
  readonly live: boolean | null;
  /**
   * What is said of the version after its number wherever it is named, e.g. "is registered, not live (pinned to version 1)"; null: there
   * is no version.
   */
  readonly standing: string | null;
  /** The champion that the version took the place of; null where it took none. */
  readonly previous: number | null;
  readonly metrics: Readonly<Record<string, number>>;
  readonly links: RunLinks;
  readonly steps: readonly StepView[];
  readonly startedAt: string;
  readonly endedAt: string | null;
}

/** The Signal by which a running step tells the workflow of its progress. */
export interface ProgressReport {
  readonly step: string;
  readonly progress: StepProgress;
}

/** The failure type of an attempt that ended only because its worker stopped: not the step's failure, so the workflow starts it anew. */
export const WORKER_STOPPED = 'WORKER_STOPPED';

/** Queue of steps that compute for long: its workers have few slots, so that light steps never wait behind training. */
export function heavyQueue(queue: string): string {
  return `${queue}.heavy`;
}

/** The activity type of a step. */
export function activityName(type: string, version: number): string {
  return `${type}@${version}`;
}

/** The run id inside a workflow id `<pipeline>/<run>`. */
export function runIdOf(workflowId: string): string {
  return workflowId.slice(workflowId.indexOf('/') + 1);
}

/** Ids that are made anew for every run. Others come twice: a Schedule's tick can be taken again, and a finding leads to the same id. */
const ONCE = /^\d{8}-\d{6}-[a-z0-9]{4,}$/;
/** Characters of Temporal's id of an execution that tell executions of one workflow id apart. */
const EXECUTION_CHARACTERS = 8;

/**
 * The id of one execution: of a workflow id that can come twice, with the end of the execution's own id (it begins with the time),
 * "scheduled-2026-01-31T03:00:00Z.1f0c9a2b".
 */
export function executionIdOf(workflowId: string, executionId: string): string {
  const run = runIdOf(workflowId);
  return ONCE.test(run) ? run : `${run}.${executionId.slice(-EXECUTION_CHARACTERS)}`;
}

/** The name of one execution, `<pipeline>/<run>`. */
export function runNameOf(workflowId: string, executionId: string): string {
  return `${workflowId.slice(0, workflowId.indexOf('/') + 1)}${executionIdOf(workflowId, executionId)}`;
}

/** The workflow id in the name of a run `<pipeline>/<run>`, and the end of the execution's id where the name has one. */
export function splitRunName(name: string): { readonly workflowId: string; readonly execution?: string } {
  const match = /^(.+)\.([0-9a-f]{8})$/.exec(name);
  return match === null ? { workflowId: name } : { workflowId: match[1]!, execution: match[2]! };
}

/** Whether a workflow id `<pipeline>/<run>` is made anew for every run. */
export function namesOnce(workflowId: string): boolean {
  return ONCE.test(runIdOf(workflowId));
}

/** What the search attribute `Verdict` says of a run that goes on: somebody is asked; nobody is any more. */
export const WAITING = 'waiting';
export const WENT_ON = 'wentOn';
