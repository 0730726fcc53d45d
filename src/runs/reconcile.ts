import { randomUUID } from 'node:crypto';
import type { ScheduleDescription, ScheduleOptions, ScheduleUpdateOptions } from '@temporalio/client';
import { TEMPORAL_DEFAULTS } from '../../temporal.config.ts';
import { temporalCrons } from '../config/cron.ts';
import { spellDuration } from '../core/duration.ts';
import { PerennialError, messageOf } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import type { Plan } from '../core/plan.ts';
import type { StepDefinition } from '../core/step.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { temporalError } from './connect.ts';
import type { Temporal } from './connect.ts';
import { runDetails } from './pipeline-input.ts';
import { timesOf } from './live-schedule.ts';
import { PROBE, describeSchedule, oursIn, patiently, survey } from './schedule-marks.ts';
import type { Marked } from './schedule-marks.ts';
import { desiredSchedules, differences, factsOf, inputFact, markOf, overlapWord } from './schedule-plan.ts';
import type { DesiredSchedule } from './schedule-plan.ts';
import { startAttributes } from './search-attributes.ts';

export interface ScheduleChange {
  readonly id: string;
  readonly pipeline: string;
  readonly action: 'create' | 'update' | 'delete' | 'keep';
  /** One line per fact that differs. */
  readonly differences: readonly string[];
  /** What is not as it was applied; absent: nothing. */
  readonly byHand?: readonly HandChange[];
}

/** Something that is not as it was applied, since somebody (or something that was told to) changed it. */
export interface HandChange {
  /** In the words of the document where it has any. */
  readonly what: string;
  /** ISO 8601 UTC; null: nobody wrote it down. */
  readonly at: string | null;
  readonly by: string | null;
  /** The command that undoes it; null: `perennial apply` does. */
  readonly fix: string | null;
  /** It is over, and stands in nobody's way: an apply takes note of it, and it is not told again. */
  readonly noted?: true;
}

export interface ReconcileOptions {
  /** By pipeline: where the document lies. */
  readonly files?: ReadonlyMap<string, string>;
  /** Old names by the new ones: their schedules go over to the new name, with whether they are paused. */
  readonly renamed?: ReadonlyMap<string, string>;
  /** Why the schedules of a pipeline go that none of the plans is of; undefined: they stay. */
  readonly remove?: (pipeline: string) => string | undefined;
  /** Our schedules as they were found a moment ago; default: they are looked for. */
  readonly there?: readonly Marked[];
  /** Ids of schedules that were made once: one that is not there was deleted by hand. */
  readonly made?: ReadonlySet<string>;
}

type Steps = readonly Pick<StepDefinition, 'type' | 'version' | 'heavy'>[];
type Times = Readonly<Record<string, string>>;

interface Planned {
  readonly change: ScheduleChange;
  readonly desired?: DesiredSchedule;
  readonly found?: ScheduleDescription;
  readonly times?: Times;
  /** Whether and why the schedule of the old name is paused. */
  readonly state?: { readonly paused: boolean; readonly note?: string };
}

/** What would have to be done so that Temporal's Schedules are those that the plans ask for. Nothing is changed yet. */
export interface Reconciliation {
  readonly changes: readonly ScheduleChange[];
  /**
   * Does all of it, or nothing. Touches no other schedule than those of `changes`. Paused ones stay paused.
   *
   * @param stays pipelines whose schedules are not deleted all the same
   */
  carryOut(stays?: (pipeline: string) => boolean): Promise<void>;
}

const AT_ONCE = 8;

/**
 * Compares the plans with the schedules that are there, and those with what they were made to be. Whatever is new is shown to Temporal
 * first, so that a cron expression that it refuses changes nothing.
 *
 * @throws TEMPORAL_UNAVAILABLE; DOCUMENT_INVALID for a schedule that Temporal refuses; USAGE for one that somebody else made
 */
export async function compareSchedules(
  temporal: Temporal,
  plans: readonly Plan[],
  steps: Steps,
  options: ReconcileOptions = {},
): Promise<Reconciliation> {
  const desired = plans.flatMap((plan) => desiredSchedules(plan, steps, options.files?.get(plan.pipeline)));
  const there = options.there ?? (await surveySchedules(temporal));
  const byId = new Map(there.map((one) => [one.id, one]));
  const normal = normalTimes(temporal);
  const planned = await mapLimited(desired, AT_ONCE, (schedule) => {
    const before = options.renamed?.get(schedule.pipeline);
    return plannedFor(temporal, schedule, {
      normal,
      found: byId.get(schedule.id),
      before: before === undefined ? undefined : byId.get(`${before}/${schedule.kind}`),
      wasMade: options.made?.has(schedule.id) === true,
    });
  });
  const wanted = new Set(desired.map(({ id }) => id));
  const known = new Set(plans.map(({ pipeline }) => pipeline));
  const newNames = new Map([...(options.renamed ?? [])].map(([to, from]) => [from, to]));
  for (const { id, mark } of there) {
    if (wanted.has(id)) continue;
    const to = newNames.get(mark.pipeline);
    const why = known.has(mark.pipeline)
      ? `the document of "${mark.pipeline}" no longer asks for it`
      : to !== undefined
        ? `its document is named "${to}" now`
        : options.remove?.(mark.pipeline);
    if (why !== undefined) planned.push({ change: { id, pipeline: mark.pipeline, action: 'delete', differences: [why] } });
  }
  return {
    changes: planned.map(({ change }) => change),
    carryOut: (stays = () => false) =>
      carryOut(
        temporal,
        planned.filter(({ change }) => change.action !== 'delete' || !stays(change.pipeline)),
      ),
  };
}

/** Our schedules. What an apply left that was killed while it showed a schedule to Temporal goes: it is paused, nothing came of it. */
export async function surveySchedules(temporal: Temporal): Promise<Marked[]> {
  const { ours, probes } = await survey(temporal);
  for (const id of probes) await removeSchedule(temporal, id);
  return ours;
}

interface Found {
  readonly normal: (desired: DesiredSchedule) => Promise<Times>;
  readonly found: Marked | undefined;
  /** The schedule of the old name. */
  readonly before: Marked | undefined;
  readonly wasMade: boolean;
}

async function plannedFor(temporal: Temporal, desired: DesiredSchedule, { normal, before, wasMade, ...rest }: Found): Promise<Planned> {
  const { id, pipeline } = desired;
  const facts = factsOf(desired);
  const found = rest.found ?? (await ownSchedule(temporal, id));
  if (found === undefined) {
    const lines = differences({}, facts).map((line) => line.replace('(none) → ', ''));
    const state = before?.description.state;
    return {
      desired,
      times: await normal(desired),
      change: {
        id,
        pipeline,
        action: 'create',
        differences: before === undefined ? lines : [`in place of ${before.id}${state!.paused ? ', paused as that was' : ''}`, ...lines],
        ...(wasMade ? { byHand: [{ what: `${id} was deleted`, at: null, by: null, fix: null }] } : {}),
      },
      ...(state === undefined ? {} : { state: { paused: state.paused, ...(state.note === undefined ? {} : { note: state.note }) } }),
    };
  }
  const { mark, description, replaced } = found;
  const live = timesOf(description.spec);
  const sameTimes = TIMES.every((name) => mark.facts[name] === facts[name]);
  // Marks of earlier versions do not say as what Temporal took the times.
  const target = sameTimes && mark.times !== undefined ? mark.times : await normal(desired);
  const made = mark.times ?? (sameTimes ? target : undefined);
  const policies = policiesOf(description);
  const input = inputOf(description);
  const now = { ...mark.facts, ...policies, plan: input };
  const lines = [
    ...(replaced ? differences(live, target) : differences(now, facts)),
    ...(sameTimes ? differences(live, target) : []),
    ...differences(startOf(description), startWanted(temporal, desired)),
    ...(description.state.remainingActions === undefined ? [] : [`actions left: ${description.state.remainingActions} → no end`]),
  ];
  const byHand = handChanges(found, { times: made, live, policies, input, target, desired });
  return {
    desired,
    found: description,
    ...(lines.length === 0 ? {} : { times: target }),
    change: {
      id,
      pipeline,
      action: lines.length === 0 ? 'keep' : 'update',
      differences: lines,
      ...(byHand.length === 0 ? {} : { byHand }),
    },
  };
}

/** Facts that say when. */
const TIMES = ['cron', 'every', 'timezone', 'jitter'] as const;

/** @throws USAGE for one that somebody else made */
async function ownSchedule(temporal: Temporal, id: string): Promise<Marked | undefined> {
  const description = await describeSchedule(temporal, id);
  if (description === undefined) return undefined;
  const found = oursIn(id, description);
  if (found === undefined)
    throw new PerennialError('USAGE', `There is a Schedule "${id}" in Temporal that Perennial did not make.`, {
      hint: 'Delete or rename it, or rename the pipeline.',
    });
  return found;
}

function policiesOf({ policies }: ScheduleDescription): Record<'overlap' | 'catchup' | 'pauseOnFailure', string> {
  const { overlap, catchupWindow, pauseOnFailure } = policies;
  return { overlap: overlap ?? 'SKIP', catchup: spellDuration(catchupWindow), pauseOnFailure: String(pauseOnFailure) };
}

/** What its action gives to the workflow, as the fact "plan" tells it. */
function inputOf({ action }: ScheduleDescription): string {
  const input = action.args?.[0];
  return input === undefined ? 'nothing' : inputFact(input);
}

const startOf = ({ action }: ScheduleDescription): Record<string, string> => ({
  workflow: action.workflowType,
  workflowId: action.workflowId,
  queue: action.taskQueue,
});

const startWanted = ({ settings }: Temporal, { workflow, workflowId }: DesiredSchedule): Record<string, string> => ({
  workflow,
  workflowId,
  queue: settings.taskQueue,
});

interface Live {
  /** When it was made to take its actions; undefined: not known. */
  readonly times: Times | undefined;
  readonly live: Times;
  readonly policies: ReturnType<typeof policiesOf>;
  readonly input: string;
  readonly target: Times;
  readonly desired: DesiredSchedule;
}

/** What is not as it was made. Temporal tells when a schedule was changed last, but neither by whom nor when it was paused. */
function handChanges({ id, mark, description, replaced }: Marked, { times, live, policies, input, target, desired }: Live): HandChange[] {
  const { state, info, action } = description;
  const at = info.lastUpdatedAt?.toISOString() ?? null;
  const path = `on.${desired.kind === 'new-data' ? 'newData' : desired.kind}`;
  const word = (name: string, value: string | undefined): string =>
    value === undefined ? '(none)' : JSON.stringify(name === 'overlap' ? overlapWord(value) : value);
  const changed = (before: Times, after: Times): string[] =>
    [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .filter((name) => before[name] !== after[name])
      .map((name) => `${path}.${name}: ${word(name, before[name])} → ${word(name, after[name])}`);
  const { overlap, catchup, pauseOnFailure } = replaced ? factsOf(desired) : mark.facts;
  const madePolicies = overlap === undefined ? policies : { overlap, catchup: catchup!, pauseOnFailure: pauseOnFailure! };
  const starts =
    replaced ||
    (mark.facts.plan !== undefined && mark.facts.plan !== input) ||
    action.workflowType !== desired.workflow ||
    action.workflowId !== desired.workflowId;
  const lines = [
    ...changed(times ?? (replaced ? target : live), live),
    ...changed(madePolicies, policies),
    ...(starts ? [`${path}: what it starts was replaced`] : []),
    ...(state.remainingActions === undefined ? [] : [`${path}: it ends after ${state.remainingActions} more`]),
  ].map((what): HandChange => ({ what, at, by: null, fix: null }));
  if (!state.paused) return lines;
  const why = state.note === undefined || state.note === '' ? '' : ` (${state.note})`;
  return [...lines, { what: `${path}: paused${why}`, at: null, by: null, fix: `perennial schedules resume ${id}` }];
}

/** When Temporal would take the actions of a schedule: it is shown one, and each kind of times only once. */
function normalTimes(temporal: Temporal): (desired: DesiredSchedule) => Promise<Times> {
  const shown = new Map<string, Promise<Times>>();
  return (desired) => {
    const key = canonicalJson({ when: desired.when, jitter: desired.jitterMs ?? 0 });
    const known = shown.get(key) ?? showToTemporal(temporal, desired);
    shown.set(key, known);
    return known;
  };
}

/** One that is gone already, as another apply was faster, is removed. */
async function removeSchedule(temporal: Temporal, id: string): Promise<void> {
  try {
    await patiently(() => temporal.client.schedule.getHandle(id).delete());
  } catch (error) {
    if ((error as Error).name !== 'ScheduleNotFoundError') throw temporalError(error, `Schedule "${id}"`);
  }
}

/** Temporal checks a schedule only when it is made: so one is made, paused, that is gone again at once. @returns how it took the times */
async function showToTemporal(temporal: Temporal, desired: DesiredSchedule): Promise<Times> {
  try {
    for (;;) {
      const spec = await specOfProbe(temporal, desired);
      // A comparison by somebody else took it for what a killed one left.
      if (spec !== undefined) return timesOf(spec);
    }
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

async function specOfProbe(temporal: Temporal, desired: DesiredSchedule): Promise<ScheduleDescription['spec'] | undefined> {
  const scheduleId = `${PROBE}${randomUUID()}`;
  const { typedSearchAttributes: _none, ...options } = optionsOf(temporal, desired);
  await patiently(() =>
    temporal.client.schedule
      .create({ ...options, scheduleId, state: { paused: true, note: 'checked by perennial apply' } })
      .catch((error: unknown) => {
        // Made by the attempt before, whose answer came too late.
        if ((error as Error).name !== 'ScheduleAlreadyRunning') throw error;
      }),
  );
  const found = await describeSchedule(temporal, scheduleId);
  await removeSchedule(temporal, scheduleId);
  return found?.spec;
}

/** A schedule that was made, though the answer came too late, is made. */
async function createOnce(temporal: Temporal, options: ScheduleOptions, desired: DesiredSchedule): Promise<void> {
  let attempts = 0;
  await patiently(async () => {
    attempts += 1;
    try {
      await temporal.client.schedule.create(options);
    } catch (error) {
      const found =
        attempts === 1 || (error as Error).name !== 'ScheduleAlreadyRunning' ? undefined : await ownSchedule(temporal, desired.id);
      if (found === undefined || found.mark.facts.plan !== inputFact(desired.input)) throw error;
    }
  });
}

async function carryOut(temporal: Temporal, planned: readonly Planned[]): Promise<void> {
  const undo: (() => Promise<unknown>)[] = [];
  const { schedule } = temporal.client;
  const make = async ({ change: { id, action }, desired, found, state, times }: Planned): Promise<void> => {
    const handle = schedule.getHandle(id);
    if (action === 'create') {
      const options = { ...optionsOf(temporal, desired!, times), ...(state === undefined ? {} : { state }) };
      await createOnce(temporal, options, desired!);
      undo.unshift(() => removeSchedule(temporal, id));
    } else if (action === 'update') {
      await patiently(() =>
        handle.update(({ state: { paused, note } }) => ({
          ...updateOf(temporal, desired!, times),
          state: { paused, ...(note === undefined ? {} : { note }) },
        })),
      );
      undo.unshift(() =>
        patiently(() =>
          handle.update((now) => ({ spec: found!.spec, policies: found!.policies, action: found!.action, state: now.state })),
        ),
      );
    }
  };
  // Those that are under way when one fails are waited for, so that they are undone as well.
  const errors: unknown[] = [];
  await mapLimited(planned, AT_ONCE, async (one) => {
    if (errors.length === 0) await make(one).catch((error: unknown) => errors.push(error));
  });
  if (errors.length > 0) {
    await undone(undo);
    throw temporalError(errors[0], 'Applying the schedules; nothing was changed');
  }
  // What is deleted cannot be brought back: last, when all else is there.
  await mapLimited(
    planned.filter(({ change }) => change.action === 'delete'),
    AT_ONCE,
    ({ change: { id } }) => removeSchedule(temporal, id),
  );
}

/** @throws TEMPORAL_UNAVAILABLE where it is away, so that what was done stays */
async function undone(undo: readonly (() => Promise<unknown>)[]): Promise<void> {
  const left: unknown[] = [];
  for (const step of undo) await step().catch((error: unknown) => left.push(error));
  if (left.length === 0) return;
  throw new PerennialError(
    'TEMPORAL_UNAVAILABLE',
    `Temporal went away while the schedules were applied: ${left.length} of those that were changed could not be changed back: ${messageOf(left[0])}`,
    { hint: 'Apply again when Temporal is back: it does what is missing.', cause: left[0] },
  );
}

/** What a schedule is made of, as Temporal is told it. */
export function updateOf(
  temporal: Pick<Temporal, 'settings'>,
  desired: DesiredSchedule,
  times?: Times,
): Omit<ScheduleUpdateOptions, 'state'> {
  const plan = 'plan' in desired.input ? desired.input.plan : desired.input.run.plan;
  const trigger = 'plan' in desired.input ? desired.input.trigger : desired.input.run.trigger;
  return {
    spec: {
      ...('cron' in desired.when
        ? { cronExpressions: temporalCrons(desired.when.cron), timezone: desired.when.timezone }
        : { intervals: [{ every: desired.when.everyMs, offset: desired.when.offsetMs ?? 0 }] }),
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
      memo: { perennial: markOf(desired, times), revision: plan.revision },
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

function optionsOf(temporal: Temporal, desired: DesiredSchedule, times?: Times): ScheduleOptions {
  const { action, ...rest } = updateOf(temporal, desired, times);
  return {
    ...rest,
    action,
    scheduleId: desired.id,
    memo: { pipeline: desired.pipeline },
    typedSearchAttributes: action.typedSearchAttributes ?? [],
  };
}
