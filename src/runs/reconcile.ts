import { randomUUID } from 'node:crypto';
import type { ScheduleDescription, ScheduleOptions, ScheduleUpdateOptions } from '@temporalio/client';
import { TEMPORAL_DEFAULTS } from '../../temporal.config.ts';
import { temporalCrons } from '../config/cron.ts';
import { PerennialError, messageOf } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import type { StepDefinition } from '../core/step.ts';
import { temporalError } from './connect.ts';
import type { Temporal } from './connect.ts';
import { runDetails } from './pipeline-input.ts';
import { describeSchedule, markIn, marked, withScheduleErrors } from './schedule-marks.ts';
import type { Marked } from './schedule-marks.ts';
import { desiredSchedules, differences, factsOf, markOf, spell } from './schedule-plan.ts';
import type { DesiredSchedule } from './schedule-plan.ts';
import { startAttributes } from './search-attributes.ts';

export interface ScheduleChange {
  readonly id: string;
  readonly action: 'create' | 'update' | 'delete' | 'keep';
  /** One line per fact that differs. */
  readonly differences: readonly string[];
}

/** A document that had another name when its schedules were made. */
export interface Renamed {
  readonly from: string;
  readonly to: string;
  readonly file: string;
  /** Ids under the old name. */
  readonly schedules: readonly string[];
}

export interface ReconcileOptions {
  /** Also remove the schedules of pipelines that none of the plans is of. */
  readonly prune?: boolean;
  /** By pipeline: where the document lies. Tells a renamed document from another one. */
  readonly files?: ReadonlyMap<string, string>;
  /** Old names whose schedules go over to the new name of their document, with whether they are paused. */
  readonly move?: readonly string[];
}

type Steps = readonly Pick<StepDefinition, 'type' | 'version' | 'heavy'>[];

interface Planned {
  readonly change: ScheduleChange;
  readonly desired?: DesiredSchedule;
  readonly found?: ScheduleDescription;
  /** Whether and why the schedule of the old name is paused. */
  readonly state?: { readonly paused: boolean; readonly note?: string };
}

/** What would have to be done so that Temporal's Schedules are those that the plans ask for. Nothing is changed yet. */
export interface Reconciliation {
  readonly changes: readonly ScheduleChange[];
  /** Those that `move` does not name. */
  readonly renamed: readonly Renamed[];
  /** Ids that only `prune` removes. */
  readonly pruned: readonly string[];
  /** Does all of it, or nothing. Touches no other schedule than those of `changes`. Paused ones stay paused. */
  carryOut(): Promise<void>;
}

/**
 * Compares the plans with the schedules that are there. Whatever is new is shown to Temporal first, so that a cron expression that it
 * refuses changes nothing.
 *
 * @throws TEMPORAL_UNAVAILABLE; DOCUMENT_INVALID for a schedule that Temporal refuses; USAGE for a `move` of what was not renamed
 */
export async function compareSchedules(
  temporal: Temporal,
  plans: readonly Plan[],
  steps: Steps,
  options: ReconcileOptions = {},
): Promise<Reconciliation> {
  await removeProbes(temporal);
  const desired = plans.flatMap((plan) => desiredSchedules(plan, steps, options.files?.get(plan.pipeline)));
  const there = await marked(temporal);
  const renamed = renames(plans, there, options.files ?? new Map());
  const unknown = options.move?.find((name) => !renamed.some(({ from }) => from === name));
  if (unknown !== undefined)
    throw new PerennialError(
      'USAGE',
      `No document of those given was named "${unknown}" when its schedules were made${renamed.length === 0 ? '' : `; renamed were: ${renamed.map(({ from, to }) => `${from} (now ${to})`).join(', ')}`}.`,
      {
        hint: 'Move only the schedules of a document that has another name now and lies where it lay; others: `perennial schedules delete`.',
      },
    );
  const moves = new Map(renamed.filter(({ from }) => options.move?.includes(from)).map((move) => [move.to, move]));
  const planned: Planned[] = [];
  for (const schedule of desired)
    planned.push(
      await plannedFor(
        temporal,
        schedule,
        there.find(({ id }) => id === `${moves.get(schedule.pipeline)?.from ?? ''}/${schedule.kind}`),
      ),
    );
  const pruned: string[] = [];
  for (const { id, mark } of there) {
    if (desired.some((schedule) => schedule.id === id)) continue;
    const known = plans.some((plan) => plan.pipeline === mark.pipeline);
    const move = [...moves.values()].find(({ from }) => from === mark.pipeline);
    const why = known
      ? `the document of "${mark.pipeline}" no longer asks for it`
      : move !== undefined
        ? `its document is named "${move.to}" now`
        : options.prune === true
          ? `no document of "${mark.pipeline}" was given`
          : undefined;
    if (why === undefined) continue;
    if (!known && move === undefined) pruned.push(id);
    planned.push({ change: { id, action: 'delete', differences: [why] } });
  }
  for (const { change, desired: schedule } of planned)
    if (schedule !== undefined && change.action !== 'keep') await showToTemporal(temporal, schedule);
  return {
    changes: planned.map(({ change }) => change),
    renamed: renamed.filter(({ to }) => !moves.has(to)),
    pruned,
    carryOut: () => carryOut(temporal, planned),
  };
}

function renames(plans: readonly Plan[], there: readonly Marked[], files: ReadonlyMap<string, string>): Renamed[] {
  return plans.flatMap(({ pipeline: to }) => {
    const file = files.get(to);
    if (file === undefined || there.some(({ mark }) => mark.pipeline === to)) return [];
    const before = there.filter(({ mark }) => mark.facts.file === file && !plans.some(({ pipeline }) => pipeline === mark.pipeline));
    return [...new Set(before.map(({ mark }) => mark.pipeline))].map((from) => ({
      from,
      to,
      file,
      schedules: before.filter(({ mark }) => mark.pipeline === from).map(({ id }) => id),
    }));
  });
}

async function plannedFor(temporal: Temporal, desired: DesiredSchedule, before: Marked | undefined): Promise<Planned> {
  const { id } = desired;
  const facts = factsOf(desired);
  const found = await describeSchedule(temporal, id);
  if (found === undefined) {
    const lines = differences({}, facts).map((line) => line.replace('(none) → ', ''));
    const state = before?.description.state;
    return {
      desired,
      change: {
        id,
        action: 'create',
        differences: before === undefined ? lines : [`in place of ${before.id}${state!.paused ? ', paused as that was' : ''}`, ...lines],
      },
      ...(state === undefined ? {} : { state: { paused: state.paused, ...(state.note === undefined ? {} : { note: state.note }) } }),
    };
  }
  const mark = markIn(found);
  if (mark === undefined)
    throw new PerennialError('USAGE', `There is a Schedule "${id}" in Temporal that Perennial did not make.`, {
      hint: 'Delete or rename it, or rename the pipeline.',
    });
  // Policies as they are now, so that a change by hand is seen, too.
  const { overlap, catchupWindow, pauseOnFailure } = found.policies;
  const now = { ...mark.facts, overlap: overlap ?? 'SKIP', catchup: spell(catchupWindow), pauseOnFailure: String(pauseOnFailure) };
  const lines = differences(now, facts);
  return { desired, found, change: { id, action: lines.length === 0 ? 'keep' : 'update', differences: lines } };
}

const PROBE = 'perennial-check/';

/** What an apply left that was killed while it showed a schedule to Temporal. They are paused, so that nothing came of them. */
async function removeProbes(temporal: Temporal): Promise<void> {
  const left: string[] = [];
  await withScheduleErrors('what an earlier apply left', async () => {
    for await (const { scheduleId } of temporal.client.schedule.list()) if (scheduleId.startsWith(PROBE)) left.push(scheduleId);
  });
  for (const id of left) await removeProbe(temporal, id);
}

/** Another apply may be removing it. */
async function removeProbe(temporal: Temporal, id: string): Promise<void> {
  try {
    await temporal.client.schedule.getHandle(id).delete();
  } catch (error) {
    if ((error as Error).name !== 'ScheduleNotFoundError') throw temporalError(error, `Schedule "${id}"`);
  }
}

/** Temporal checks a schedule only when it is made: so one is made, paused, that is gone again at once. */
async function showToTemporal(temporal: Temporal, desired: DesiredSchedule): Promise<void> {
  const scheduleId = `${PROBE}${randomUUID()}`;
  const { typedSearchAttributes: _none, ...options } = optionsOf(temporal, desired);
  try {
    await temporal.client.schedule.create({ ...options, scheduleId, state: { paused: true, note: 'checked by perennial apply' } });
    await removeProbe(temporal, scheduleId);
  } catch (error) {
    const refusal = temporalError(error, `Schedule "${desired.id}"`);
    // What the server calls an invalid argument, the client calls a TypeError.
    if (!(error instanceof TypeError) || refusal instanceof PerennialError) throw refusal;
    throw new PerennialError('DOCUMENT_INVALID', `${desired.id}: Temporal refuses the schedule: ${messageOf(error)}`, {
      hint: 'Correct "on" of the document. Nothing was changed.',
      cause: error,
    });
  }
}

async function carryOut(temporal: Temporal, planned: readonly Planned[]): Promise<void> {
  const undo: (() => Promise<unknown>)[] = [];
  const { schedule } = temporal.client;
  try {
    for (const {
      change: { id, action },
      desired,
      found,
      state,
    } of planned) {
      const handle = schedule.getHandle(id);
      if (action === 'create') {
        await schedule.create({ ...optionsOf(temporal, desired!), ...(state === undefined ? {} : { state }) });
        undo.unshift(() => handle.delete());
      } else if (action === 'update') {
        await handle.update((previous) => ({ ...updateOf(temporal, desired!), state: previous.state }));
        undo.unshift(() =>
          handle.update((now) => ({ spec: found!.spec, policies: found!.policies, action: found!.action, state: now.state })),
        );
      }
    }
  } catch (error) {
    for (const step of undo) await withScheduleErrors('undoing what was applied', step);
    throw temporalError(error, 'Applying the schedules; nothing was changed');
  }
  // What is deleted cannot be brought back: last, when all else is there.
  for (const {
    change: { id, action },
  } of planned)
    if (action === 'delete') await withScheduleErrors(id, () => schedule.getHandle(id).delete());
}

/** What a schedule is made of, as Temporal is told it. */
export function updateOf(temporal: Pick<Temporal, 'settings'>, desired: DesiredSchedule): Omit<ScheduleUpdateOptions, 'state'> {
  const plan = 'plan' in desired.input ? desired.input.plan : desired.input.run.plan;
  const trigger = 'plan' in desired.input ? desired.input.trigger : desired.input.run.trigger;
  return {
    spec: {
      ...('cron' in desired.when
        ? { cronExpressions: temporalCrons(desired.when.cron), timezone: desired.when.timezone }
        : { intervals: [{ every: desired.when.everyMs }] }),
      ...(desired.jitterMs === undefined ? {} : { jitter: desired.jitterMs }),
    },
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
      typedSearchAttributes: startAttributes({
        kind: desired.workflow === 'pipeline' ? 'run' : 'monitor',
        pipeline: desired.pipeline,
        trigger,
        ...(desired.model === undefined ? {} : { model: desired.model }),
      }),
      staticSummary:
        desired.workflow === 'pipeline'
          ? `${desired.pipeline}: scheduled run`
          : `${desired.pipeline}: check for ${desired.kind === 'new-data' ? 'new data' : desired.kind}`,
      staticDetails: runDetails(plan),
    },
  };
}

function optionsOf(temporal: Temporal, desired: DesiredSchedule): ScheduleOptions {
  const { action, ...rest } = updateOf(temporal, desired);
  return {
    ...rest,
    action,
    scheduleId: desired.id,
    memo: { pipeline: desired.pipeline },
    typedSearchAttributes: action.typedSearchAttributes ?? [],
  };
}
