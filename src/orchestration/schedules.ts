import type { ScheduleDescription, ScheduleOptions, ScheduleUpdateOptions } from '@temporalio/client';
import { TEMPORAL_DEFAULTS } from '../../temporal.config.ts';
import { PerennialError } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import type { StepDefinition } from '../core/step.ts';
import { temporalError } from './connect.ts';
import type { Temporal } from './connect.ts';
import { runDetails } from './pipeline-input.ts';
import { SCHEDULE_KINDS, desiredSchedules, differences, factsOf, markOf, spell } from './schedule-plan.ts';
import type { DesiredSchedule, Overlap, ScheduleKind, ScheduleMark } from './schedule-plan.ts';
import { startAttributes } from './search-attributes.ts';

export interface ScheduleChange {
  readonly id: string;
  readonly action: 'create' | 'update' | 'delete' | 'keep';
  /** One line per fact that differs. */
  readonly differences: readonly string[];
}

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
  readonly recent: readonly { readonly at: string; readonly workflowId: string }[];
  readonly taken: number;
  readonly missedCatchup: number;
  readonly skippedOverlap: number;
  readonly running: readonly string[];
}

export interface ReconcileOptions {
  /** Only tell what would change. */
  readonly dryRun?: boolean;
  /** Also remove the schedules of pipelines that none of the plans is of. */
  readonly prune?: boolean;
}

type Steps = readonly Pick<StepDefinition, 'type' | 'version' | 'heavy'>[];

/** Makes Temporal's Schedules those that the plans ask for. Paused ones stay paused. @throws TEMPORAL_UNAVAILABLE */
export async function reconcile(temporal: Temporal, plans: readonly Plan[], steps: Steps, options: ReconcileOptions = {}): Promise<ScheduleChange[]> {
  const desired = plans.flatMap((plan) => desiredSchedules(plan, steps));
  const changes: ScheduleChange[] = [];
  for (const schedule of desired) changes.push(await apply(temporal, schedule, options.dryRun === true));
  for (const { id, mark } of await marked(temporal)) {
    const known = plans.some((plan) => plan.pipeline === mark.pipeline);
    if (desired.some((schedule) => schedule.id === id) || (!known && options.prune !== true)) continue;
    const why = known ? `the document of "${mark.pipeline}" no longer asks for it` : `no document of "${mark.pipeline}" was given`;
    if (options.dryRun !== true) await withErrors(id, () => temporal.client.schedule.getHandle(id).delete());
    changes.push({ id, action: 'delete', differences: [why] });
  }
  return changes;
}

async function apply(temporal: Temporal, desired: DesiredSchedule, dryRun: boolean): Promise<ScheduleChange> {
  const { id } = desired;
  const facts = factsOf(desired);
  const found = await describe(temporal, id);
  if (found === undefined) {
    if (!dryRun) await withErrors(id, () => temporal.client.schedule.create(optionsOf(temporal, desired)));
    return { id, action: 'create', differences: differences({}, facts).map((line) => line.replace('(none) → ', '')) };
  }
  const mark = markIn(found);
  if (mark === undefined) throw new PerennialError('USAGE', `There is a Schedule "${id}" in Temporal that Perennial did not make.`, { hint: 'Delete or rename it, or rename the pipeline.' });
  // Policies as they are now, so that a change by hand is seen, too.
  const { overlap, catchupWindow, pauseOnFailure } = found.policies;
  const now = { ...mark.facts, overlap: overlap ?? 'SKIP', catchup: spell(catchupWindow), pauseOnFailure: String(pauseOnFailure) };
  const lines = differences(now, facts);
  if (lines.length === 0) return { id, action: 'keep', differences: [] };
  if (!dryRun) await withErrors(id, () => temporal.client.schedule.getHandle(id).update((previous) => ({ ...updateOf(temporal, desired), state: previous.state })));
  return { id, action: 'update', differences: lines };
}

/** Our schedules, described. */
export async function listSchedules(temporal: Temporal, filter: { pipeline?: string } = {}): Promise<ScheduleRow[]> {
  const rows = (await marked(temporal)).filter(({ mark }) => filter.pipeline === undefined || mark.pipeline === filter.pipeline);
  return rows.map(({ id, mark, description: { policies, state, info } }) => ({
    id,
    pipeline: mark.pipeline,
    kind: mark.kind,
    when: mark.facts.cron === undefined ? `every ${mark.facts.every ?? '?'}` : `${mark.facts.cron} (${mark.facts.timezone ?? 'UTC'})`,
    overlap: policies.overlap ?? 'SKIP',
    catchup: spell(policies.catchupWindow),
    paused: state.paused,
    note: state.note === undefined || state.note === '' ? null : state.note,
    next: info.nextActionTimes.slice(0, 3).map((time) => time.toISOString()),
    recent: info.recentActions.slice(-5).map((action) => ({ at: action.scheduledAt.toISOString(), workflowId: action.action.workflow.workflowId })),
    taken: info.numActionsTaken,
    missedCatchup: info.numActionsMissedCatchupWindow,
    skippedOverlap: info.numActionsSkippedOverlap,
    running: info.runningActions.map((action) => action.workflow.workflowId),
  }));
}

/** A schedule by its id, or the `on.schedule` of a pipeline by the pipeline's name. @throws NOT_FOUND */
export async function findSchedule(temporal: Temporal, name: string): Promise<string> {
  const id = name.includes('/') ? name : `${name}/schedule`;
  const found = await describe(temporal, id);
  if (found !== undefined && markIn(found) !== undefined) return id;
  const known = (await marked(temporal)).map((schedule) => schedule.id);
  throw new PerennialError('NOT_FOUND', `There is no schedule "${name}". ${known.length === 0 ? 'There is none at all.' : `There is: ${known.join(', ')}.`}`, { hint: 'Create schedules from documents with `perennial apply FILE`.' });
}

export async function pauseSchedule(temporal: Temporal, id: string, note: string): Promise<void> {
  await withErrors(id, () => temporal.client.schedule.getHandle(id).pause(note));
}

export async function resumeSchedule(temporal: Temporal, id: string, note: string): Promise<void> {
  await withErrors(id, () => temporal.client.schedule.getHandle(id).unpause(note));
}

/** Takes the schedule's action now. */
export async function triggerSchedule(temporal: Temporal, id: string, overlap: Overlap = 'ALLOW_ALL'): Promise<void> {
  await withErrors(id, () => temporal.client.schedule.getHandle(id).trigger(overlap));
}

/**
 * Takes every action that the schedule would have taken between two times. One after the other unless told otherwise: with the
 * schedule's own "skip" all but the first would be dropped.
 */
export async function backfillSchedule(temporal: Temporal, id: string, range: { readonly start: Date; readonly end: Date }, overlap: Overlap = 'BUFFER_ALL'): Promise<void> {
  await withErrors(id, () => temporal.client.schedule.getHandle(id).backfill({ start: range.start, end: range.end, overlap }));
}

interface Marked {
  readonly id: string;
  readonly mark: ScheduleMark;
  readonly description: ScheduleDescription;
}

async function marked(temporal: Temporal): Promise<Marked[]> {
  const found: Marked[] = [];
  try {
    for await (const { scheduleId } of temporal.client.schedule.list()) {
      if (!SCHEDULE_KINDS.some((kind) => scheduleId.endsWith(`/${kind}`))) continue;
      const description = await describe(temporal, scheduleId);
      const mark = description === undefined ? undefined : markIn(description);
      if (mark !== undefined) found.push({ id: scheduleId, mark, description: description! });
    }
  } catch (error) {
    throw temporalError(error, 'Listing schedules');
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function describe(temporal: Temporal, id: string): Promise<ScheduleDescription | undefined> {
  try {
    return await temporal.client.schedule.getHandle(id).describe();
  } catch (error) {
    if ((error as Error).name === 'ScheduleNotFoundError') return undefined;
    throw temporalError(error, `Schedule "${id}"`);
  }
}

function markIn(description: ScheduleDescription): ScheduleMark | undefined {
  const mark = description.action.memo?.perennial as ScheduleMark | undefined;
  return mark?.formatVersion === 1 ? mark : undefined;
}

function updateOf(temporal: Temporal, desired: DesiredSchedule): Omit<ScheduleUpdateOptions, 'state'> {
  const plan = 'plan' in desired.input ? desired.input.plan : desired.input.run.plan;
  const trigger = 'plan' in desired.input ? desired.input.trigger : desired.input.run.trigger;
  return {
    spec: 'cron' in desired.when ? { cronExpressions: [desired.when.cron], timezone: desired.when.timezone } : { intervals: [{ every: desired.when.everyMs }] },
    policies: { overlap: desired.overlap, catchupWindow: desired.catchupMs, pauseOnFailure: desired.pauseOnFailure },
    action: {
      type: 'startWorkflow',
      workflowType: desired.workflow,
      workflowId: desired.workflowId,
      taskQueue: temporal.settings.taskQueue,
      args: [desired.input],
      workflowExecutionTimeout: TEMPORAL_DEFAULTS.workflow.executionTimeoutMs,
      workflowTaskTimeout: TEMPORAL_DEFAULTS.workflow.taskTimeoutMs,
      memo: { perennial: markOf(desired), revision: plan.revision },
      typedSearchAttributes: startAttributes({ kind: desired.workflow === 'pipeline' ? 'run' : 'monitor', pipeline: desired.pipeline, trigger, ...(desired.model === undefined ? {} : { model: desired.model }) }),
      staticSummary: desired.workflow === 'pipeline' ? `${desired.pipeline}: scheduled run` : `${desired.pipeline}: check for ${desired.kind === 'drift' ? 'drift' : 'new data'}`,
      staticDetails: runDetails(plan),
    },
  };
}

function optionsOf(temporal: Temporal, desired: DesiredSchedule): ScheduleOptions {
  const { action, ...rest } = updateOf(temporal, desired);
  return { ...rest, action, scheduleId: desired.id, memo: { pipeline: desired.pipeline }, typedSearchAttributes: action.typedSearchAttributes ?? [] };
}

async function withErrors<T>(id: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw temporalError(error, `Schedule "${id}"`);
  }
}
