import type { ScheduleExecutionStartWorkflowActionResult } from '@temporalio/client';
import { spellDuration } from '../core/duration.ts';
import { canonicalJson } from '../core/json.ts';
import { wakeBackfills } from './backfills.ts';
import { daylightNote } from './daylight.ts';
import type { Temporal } from './connect.ts';
import { timesOf } from './live-schedule.ts';
import { executions } from './runs.ts';
import { findMarked, marked, withScheduleErrors } from './schedule-marks.ts';
import type { Marked } from './schedule-marks.ts';
import type { Overlap, ScheduleKind } from './schedule-plan.ts';

export interface ScheduleRow {
  readonly id: string;
  readonly pipeline: string;
  readonly kind: ScheduleKind;
  readonly when: string;
  readonly overlap: string;
  readonly catchup: string;
  readonly paused: boolean;
  readonly note: string | null;
  /** ISO 8601 UTC. */
  readonly next: readonly string[];
  /** The newest ten at most. `madeUp`: taken after its time, as Temporal was away then. */
  readonly recent: readonly { readonly at: string; readonly workflowId: string; readonly madeUp: boolean }[];
  /** What came of the newest action: how a run ended, what a check found, "running". null: there was none, or Temporal no longer knows. */
  readonly last: string | null;
  readonly taken: number;
  /** Ticks that were taken late, of the newest ten actions; and those that a run made up for at its end, of the newest hundred runs. */
  readonly madeUp: number;
  /** Ticks that were older than `catchup` when Temporal was back: nothing makes up for them but a backfill. */
  readonly missedCatchup: number;
  /** Ticks at which the run before was still going. */
  readonly skippedOverlap: number;
  readonly running: readonly string[];
  /** What daylight saving does to it in the next year; null: nothing. */
  readonly daylight: string | null;
}

/** An action this long after its time was not taken on time. */
const LATE_MS = 30_000;
const RUNS_LOOKED_AT = 100;

/** Our schedules, described. */
export async function listSchedules(temporal: Temporal, filter: { pipeline?: string } = {}): Promise<ScheduleRow[]> {
  const rows = (await marked(temporal)).filter(({ mark }) => filter.pipeline === undefined || mark.pipeline === filter.pipeline);
  return Promise.all(rows.map((row) => rowOf(temporal, row)));
}

async function rowOf(temporal: Temporal, { id, mark, description: { spec, policies, state, info } }: Marked): Promise<ScheduleRow> {
  const recent = info.recentActions.map((result) => ({
    at: result.scheduledAt.toISOString(),
    workflowId: result.action.workflow.workflowId,
    madeUp: result.takenAt.getTime() - result.scheduledAt.getTime() > LATE_MS,
  }));
  return {
    id,
    pipeline: mark.pipeline,
    kind: mark.kind,
    when: whenOf(mark, timesOf(spec)),
    overlap: policies.overlap ?? 'SKIP',
    catchup: spellDuration(policies.catchupWindow),
    paused: state.paused,
    note: state.note === undefined || state.note === '' ? null : state.note,
    next: info.nextActionTimes.slice(0, 3).map((time) => time.toISOString()),
    recent,
    last: await outcomeOf(temporal, info.recentActions.at(-1)?.action),
    taken: info.numActionsTaken,
    madeUp: recent.filter(({ madeUp }) => madeUp).length + (mark.kind === 'schedule' ? await madeUpBy(temporal, mark.pipeline) : 0),
    missedCatchup: info.numActionsMissedCatchupWindow,
    skippedOverlap: info.numActionsSkippedOverlap,
    running: info.runningActions.map((action) => action.workflow.workflowId),
    daylight: mark.facts.cron === undefined ? null : await daylightNote(temporal, id, mark.facts.cron, mark.facts.timezone ?? 'UTC'),
  };
}

/** As it was declared; where somebody edited it in Temporal since, as it is there. */
function whenOf({ facts, times }: Marked['mark'], live: Readonly<Record<string, string>>): string {
  const edited = times === undefined ? facts.cron === undefined && facts.every === undefined : canonicalJson(times) !== canonicalJson(live);
  const { cron, timezone = 'UTC', every = '?', jitter } = edited ? live : facts;
  const when = cron === undefined ? `every ${every}${jitter === undefined ? '' : `, up to ${jitter} later`}` : `${cron} (${timezone})`;
  return edited ? `${when}, edited by hand` : when;
}

/** Ticks that a run made up for since nobody was there when they came. */
async function madeUpBy(temporal: Temporal, pipeline: string): Promise<number> {
  let runs = 0;
  let madeUp = 0;
  for await (const { memo } of executions(temporal, `RunKind = 'run' AND Pipeline = '${pipeline}'`)) {
    if (typeof memo?.['madeUp'] === 'string') madeUp += 1;
    if ((runs += 1) >= RUNS_LOOKED_AT) break;
  }
  return madeUp;
}

async function outcomeOf(temporal: Temporal, action: ScheduleExecutionStartWorkflowActionResult | undefined): Promise<string | null> {
  if (action === undefined) return null;
  try {
    const { status, searchAttributes } = await temporal.client.workflow
      .getHandle(action.workflow.workflowId, action.workflow.firstExecutionRunId)
      .describe();
    const verdict = (searchAttributes as Readonly<Record<string, readonly unknown[] | undefined>>)['Verdict']?.[0];
    return status.name === 'COMPLETED' && typeof verdict === 'string' ? verdict : status.name.toLowerCase().replaceAll('_', ' ');
  } catch (error) {
    if ((error as Error).name === 'WorkflowNotFoundError') return null;
    throw error;
  }
}

/** The id of a schedule by its id or its pipeline. @throws NOT_FOUND */
export async function findSchedule(temporal: Temporal, name: string): Promise<string> {
  return (await findMarked(temporal, name)).id;
}

/** Takes no more actions, and holds backfills of its ticks after the run that is going. */
export async function pauseSchedule(temporal: Pick<Temporal, 'client'>, id: string, note: string): Promise<void> {
  await withScheduleErrors(id, () => temporal.client.schedule.getHandle(id).pause(note));
}

export async function resumeSchedule(temporal: Temporal, id: string, note: string): Promise<void> {
  await withScheduleErrors(id, () => temporal.client.schedule.getHandle(id).unpause(note));
  await wakeBackfills(temporal, id);
}

/** Takes the schedule's action now. */
export async function triggerSchedule(temporal: Temporal, id: string, overlap: Overlap = 'ALLOW_ALL'): Promise<void> {
  await withScheduleErrors(id, () => temporal.client.schedule.getHandle(id).trigger(overlap));
}

/** Runs that it started go on; backfills of its ticks end after their run. */
export async function deleteSchedule(temporal: Temporal, id: string): Promise<void> {
  await withScheduleErrors(id, () => temporal.client.schedule.getHandle(id).delete());
}
