import type { ArtifactRef } from './artifact.ts';
import type { JsonObject } from './json.ts';
import type { PlanStep } from './plan.ts';
import type { RunFailure } from './run.ts';
import type { StudyObjective } from './tune-plan.ts';

/** The one argument of the workflow `study`. */
export interface StudyInput {
  /** `<pipeline>/<run>/<step>` */
  readonly study: string;
  readonly pipeline: string;
  /** Id of the tune step. */
  readonly step: string;
  readonly settings: StudySettings;
  readonly objectives: readonly StudyObjective[];
  /** Why it does not go on with the study before it. */
  readonly anew?: string;
  /** What every trial has in common. */
  readonly common: TrialCommon;
  /** Where the study stands; absent: at its beginning. */
  readonly carried?: StudyProgress;
}

export interface StudySettings {
  readonly trials: number;
  readonly parallel: number;
  /** No trial starts after this many milliseconds; those that run end. */
  readonly timeMs?: number;
  /** The best trials are trained again before one of them wins. */
  readonly final?: FinalRound;
  /** Trials that one execution starts before it continues as new; absent: `trialsPerExecution` of the limits. */
  readonly perExecution?: number;
}

/** How a winner is confirmed. */
export interface FinalRound {
  /** Trials that take part. */
  readonly top: number;
  /** Numbers of the seeds that each is trained with. */
  readonly seeds: readonly number[];
}

export interface TrialCommon {
  readonly runId: string;
  readonly documentDir: string;
  readonly planRevision: string;
  readonly nominalTime: string;
  readonly trigger: string;
  readonly readCache?: boolean;
  /** What steps before the study gave: step → output → artifact. */
  readonly given: Readonly<Record<string, Readonly<Record<string, ArtifactRef>>>>;
  /** A stopper looks at every trial. */
  readonly stops: boolean;
  /** The step that trains what is judged. */
  readonly judged?: string;
  /** Trainings of a trial, where it is cross-validated. */
  readonly folds?: number;
  /** Numbers of the seeds that a trial (and each of its folds) is trained with; absent: the first alone. */
  readonly seeds?: readonly number[];
}

/** How a trial ended, small enough to be carried along. */
export interface TrialEnd {
  readonly number: number;
  readonly state: 'completed' | 'stopped' | 'failed';
  /** One for each objective. */
  readonly values?: readonly number[];
  readonly failure?: RunFailure;
  /** All of its steps came from the cache, or the trial from an earlier study. */
  readonly cached: boolean;
  readonly point: JsonObject;
}

/** All that a study remembers; what it learned of each trial lies in the store. */
export interface StudyProgress {
  /** Number of the next trial. */
  readonly next: number;
  readonly completed: number;
  readonly stopped: number;
  readonly failed: number;
  readonly cached: number;
  /** By the first objective, as far as it is known. */
  readonly best?: TrialEnd;
  /** Distinct causes of failed trials. */
  readonly causes: readonly RunFailure[];
  /** Milliseconds since 1970, by the clock of Temporal. */
  readonly startedAt: number;
  /** The sampler has no further point. */
  readonly exhausted?: true;
}

/** A trial as it is asked for by the workflow of its study. */
export interface Suggestion {
  readonly number: number;
  readonly point: JsonObject;
  readonly steps: readonly PlanStep[];
}

/** What is asked of the store for the next trial. */
export interface SuggestionRequest {
  readonly study: string;
  readonly number: number;
  /** Numbers of trials that still run. */
  readonly running: readonly number[];
}

/** A trial to run, one that an earlier study has run already, why it cannot run, or that there is none left. */
export type SuggestionAnswer =
  | { readonly kind: 'run'; readonly suggestion: Suggestion }
  | { readonly kind: 'taken'; readonly end: TrialEnd }
  | { readonly kind: 'exhausted' };

/** The one argument of the workflow `trial`. */
export interface TrialInput {
  readonly study: string;
  readonly pipeline: string;
  readonly suggestion: Suggestion;
  readonly objectives: readonly StudyObjective[];
  readonly common: TrialCommon;
  /** It is no trial of the search: one of the best is trained again, with seeds of its own. */
  readonly final?: true;
}

/** What came of a study. */
export interface StudyResult {
  readonly study: string;
  readonly winner: { readonly number: number; readonly point: JsonObject; readonly values: Readonly<Record<string, number>> };
  /** Steps of the plan with the winner's values in them. */
  readonly steps: readonly PlanStep[];
  readonly values: JsonObject;
  /** Nothing was trained for it; absent in what versions before the final round wrote. */
  readonly cached?: boolean;
  readonly details: string;
}

/** The name of the workflow that trains a trial again in the final round. */
export function finalId(study: string, number: number): string {
  return `${study}/final-${String(number).padStart(4, '0')}`;
}

/** The name of a trial's workflow. */
export function trialId(study: string, number: number): string {
  return `${study}/trial-${String(number).padStart(4, '0')}`;
}

/** The failure type of a step that ended because its trial will not be the best: no failure of the trial. */
export const TRIAL_STOPPED = 'TRIAL_STOPPED';
