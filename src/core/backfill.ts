import type { PipelineInput } from './run.ts';

/** The one argument of the workflow `backfill`. */
export interface BackfillInput {
  readonly pipeline: string;
  /** Id of the schedule whose ticks these are: while it is paused, no further run is started. */
  readonly schedule: string;
  /** ISO 8601 UTC, as Temporal counts the ticks of the schedule. */
  readonly ticks: readonly string[];
  readonly run: PipelineInput;
  /** The model that the pipeline registers. */
  readonly model?: string;
  /** Who lets the newest version of the backfill serve once it is done: a rollback to it, which pins the model. Absent: no alias is moved. */
  readonly promote?: { readonly who: string };
  /** Carried over when the workflow continues as new. */
  readonly runs?: readonly BackfilledRun[];
}

/** A tick that was made up for. */
export interface BackfilledRun {
  readonly tick: string;
  /** Workflow id. */
  readonly run: string;
  /** As a run ends, "running" before. */
  readonly status: string;
  readonly headline: string;
  /** The version that it registered, or found registered already. */
  readonly version?: { readonly model: string; readonly version: number };
}

export interface BackfillView {
  readonly schedule: string;
  /** "held": the schedule is paused. */
  readonly state: 'running' | 'held' | 'done' | 'cancelled' | 'failed';
  /** Why it is held, or ended early. */
  readonly note: string;
  readonly ticks: number;
  readonly first: string;
  readonly last: string;
  /** What came of `promote`; absent: it was not asked for, or has not come so far. */
  readonly promoted?: string;
  /** In the order of their ticks. */
  readonly runs: readonly BackfilledRun[];
}

/** What the workflow asks of a schedule. */
export interface ScheduleState {
  readonly exists: boolean;
  readonly paused: boolean;
  readonly note: string;
}

/** Signal: look at once whether the schedule is still paused. */
export const BACKFILL_LOOK = 'look';
/** Query. */
export const BACKFILL_VIEW = 'view';
