import type { JsonObject } from './json.ts';
import type { DriftTrigger, PlannedTrigger, TriggerAction } from './plan.ts';
import type { PipelineInput } from './run.ts';

/** The one argument of the workflow `monitor`: one scheduled check of a model that is being served. */
export interface MonitorInput {
  readonly pipeline: string;
  readonly model: string;
  readonly check:
    | { readonly kind: 'drift'; readonly drift: DriftTrigger }
    | { readonly kind: 'newData'; readonly rows: number; readonly do?: TriggerAction }
    | { readonly kind: 'trigger'; readonly name: string; readonly trigger: PlannedTrigger };
  /** The retraining run, ready to start. */
  readonly run: PipelineInput;
}

/** What a check found. */
export interface MonitorFinding {
  /** Version that is being served as champion; null: there is none, and nothing to check. */
  readonly champion: number | null;
  /** true: time to retrain (or to alert). */
  readonly due: boolean;
  /** Largest PSI of the compared columns; null for checks of new data. */
  readonly driftScore: number | null;
  /** Rows looked at. */
  readonly rows: number;
  /** Rows of the source that the champion has not seen; 0 for checks of drift. */
  readonly newRows: number;
  /** One sentence. */
  readonly summary: string;
  /** Markdown. */
  readonly details: string;
  /** The same as one HTML page, of what is told whole. */
  readonly page?: string;
  /** Kept with the run that it leads to; left out by checks of drift and new data. */
  readonly evidence?: JsonObject;
  /** Nothing can be seen, and somebody has to change something. */
  readonly blind?: true;
  /** Too few rows came to say anything. */
  readonly tooFewRows?: true;
  /** ISO 8601 UTC, of drift that a retraining was made for and that goes on: when it was found first. */
  readonly since?: string;
}

/**
 * "started"; "running": the last run that a trigger started is going; "coolingDown": it ended a short while ago; "blocked": as many
 * as may be have changed nothing; "nothingNew": the source holds no row that the champion has not seen; "alert"; "none".
 * "rolledBack": the champion went back to the version before; "paused": what starts the pipeline by itself is paused; "blind": nothing can
 * be seen, and somebody has to change something; "told": whoever asked for it is told, and that was all.
 */
export type MonitorOutcome =
  'started' | 'running' | 'coolingDown' | 'blocked' | 'nothingNew' | 'alert' | 'none' | 'rolledBack' | 'paused' | 'blind' | 'told';

/** What a check is of, as lists, notifications and ids of schedules call it. */
export function kindOfCheck(check: MonitorInput['check']): string {
  return check.kind === 'trigger' ? check.name : check.kind;
}

/** The same as the end of the id of its schedule. */
export function scheduleKindOf(check: MonitorInput['check']): string {
  return check.kind === 'newData' ? 'new-data' : kindOfCheck(check);
}

/** What is done about what a check finds. */
export function actionOf(check: MonitorInput['check']): TriggerAction {
  if (check.kind === 'trigger') return check.trigger.do;
  if (check.kind === 'newData') return check.do ?? { kind: 'retrain' };
  return check.drift.do ?? { kind: check.drift.action === 'alert' ? 'notify' : 'retrain' };
}

export interface MonitorView {
  readonly pipeline: string;
  readonly model: string;
  /** See {@link kindOfCheck}. */
  readonly kind: string;
  readonly nominalTime: string;
  readonly outcome: MonitorOutcome;
  /** Why nothing was started; empty where that is what was to be. */
  readonly why?: string;
  readonly finding: MonitorFinding;
  /** Workflow id of the retraining run. */
  readonly run: string | null;
}

/** The argument of the activities that check. */
export interface MonitorTask {
  readonly model: string;
  readonly nominalTime: string;
  readonly check: MonitorInput['check'];
  readonly run: PipelineInput;
}

/** May a run be started for a finding? */
export interface AdmissionTask extends MonitorTask {
  readonly finding: MonitorFinding;
  /** The monitor's execution: asked twice, it gets the same answer. */
  readonly by: string;
  /** ISO 8601, by the clock of Temporal, as all times that it is compared with. */
  readonly now: string;
}

/** Something else than a run is to be done about a finding. */
export interface DeedTask extends AdmissionTask {
  /** Whoever is told that it was done. */
  readonly who: string;
}

export interface Deed {
  readonly outcome: Extract<MonitorOutcome, 'rolledBack' | 'paused' | 'alert' | 'coolingDown' | 'told'>;
  readonly why: string;
}

export interface Admission {
  readonly outcome: Extract<MonitorOutcome, 'started' | 'running' | 'coolingDown' | 'blocked' | 'nothingNew'>;
  /** Workflow id of the run to start, or of the last one. */
  readonly run: string | null;
  readonly why: string;
}

/**
 * The id of the run that a finding leads to, in monitors of before there were limits of attempts: the same finding leads to the same run,
 * however often it is made.
 */
export function retrainingRunId(input: Pick<MonitorInput, 'check'>, finding: MonitorFinding, nominalTime: string): string {
  if (input.check.kind === 'trigger') return `${input.check.name}-v${finding.champion ?? 0}-${nominalTime}`;
  if (input.check.kind === 'drift')
    return `drift-v${finding.champion ?? 0}-${Math.floor(Date.parse(nominalTime) / input.check.drift.windowMs)}`;
  return `new-data-v${finding.champion ?? 0}-${Math.floor(finding.newRows / input.check.rows) * input.check.rows}`;
}

/** Outcomes that lists tell from those that are as they should be. */
const TOLD_APART: readonly MonitorOutcome[] = ['alert', 'blocked', 'coolingDown', 'nothingNew', 'rolledBack', 'paused', 'blind'];

/**
 * What lists say of a check, in the search attribute "Verdict": what became of it; where nothing was due, why. "stable" is said only of
 * what was compared with something.
 */
export function verdictOfCheck(check: MonitorInput['check'], finding: MonitorFinding, outcome: MonitorOutcome): string {
  if (TOLD_APART.includes(outcome)) return outcome;
  if (finding.due) return kindOfCheck(check);
  if (finding.tooFewRows === true) return 'tooFewRows';
  // A trigger that is not about the champion has looked at something without one.
  return finding.champion === null && check.kind !== 'trigger' ? 'noChampion' : 'stable';
}
