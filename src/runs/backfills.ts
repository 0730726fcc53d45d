import { TEMPORAL_DEFAULTS } from '../../temporal.config.ts';
import { BACKFILL_LOOK, BACKFILL_VIEW } from '../core/backfill.ts';
import type { BackfillInput, BackfillView } from '../core/backfill.ts';
import { openStore } from '../storage/open-store.ts';
import { storeNow } from '../storage/store-clock.ts';
import { PerennialError } from '../core/errors.ts';
import { temporalError } from './connect.ts';
import type { Temporal } from './connect.ts';
import type { PipelineInput } from '../core/run.ts';
import { matchingTimes } from './matching-times.ts';
import { executions } from './runs.ts';
import { findMarked } from './schedule-marks.ts';
import { modelOf, startAttributes } from './search-attributes.ts';

/** Ticks that one backfill may have: a year of days, forty days of hours. */
const TICKS_MAX = 1_000;

export interface BackfillRow extends Pick<BackfillView, 'schedule' | 'note' | 'ticks' | 'first' | 'last'> {
  /** Workflow id. */
  readonly id: string;
  readonly state: string;
  /** Ticks whose run is over; null where no worker answers. */
  readonly done: number | null;
  readonly startedAt: string;
}

/**
 * Starts the workflow that makes up for every tick between two times (both included), one run after the other.
 *
 * @param promote the newest version that it registers serves at its end, pinned as after a rollback
 * @throws NOT_FOUND; USAGE for a range that reaches into the future, or that has no tick
 */
export async function startBackfill(
  temporal: Temporal,
  id: string,
  range: { readonly start: Date; readonly end: Date },
  promote?: { readonly who: string },
): Promise<{ readonly id: string; readonly ticks: readonly string[]; readonly held: string | null }> {
  // A clock of ours that is ahead would let ticks through that are still to come.
  const now = new Date(await storeNow(await openStore()));
  if (range.end > now)
    throw new PerennialError(
      'USAGE',
      `The range ends at ${range.end.toISOString()}, which is in the future (it is ${now.toISOString()} by the clock of the store).`,
      { hint: 'A backfill makes up for ticks that were; those to come are taken by the schedule itself.' },
    );
  const { mark, description } = await findMarked(temporal, id);
  if (mark.kind !== 'schedule')
    throw new PerennialError('USAGE', `"${id}" checks a model; only the ticks of "on.schedule" can be made up for.`, {
      hint: `Check now with \`perennial schedules trigger ${id}\`.`,
    });
  const ticks = await matchingTimes(temporal, id, range);
  if (ticks.length === 0)
    throw new PerennialError('USAGE', `${id} has no tick from ${range.start.toISOString()} to ${range.end.toISOString()}.`, {
      hint:
        mark.facts.cron === undefined
          ? `It ticks every ${mark.facts.every ?? '?'}`
          : `It ticks at: ${mark.facts.cron} (${mark.facts.timezone ?? 'UTC'})`,
    });
  if (ticks.length > TICKS_MAX)
    throw new PerennialError(
      'LIMIT_EXCEEDED',
      `${id} has ${ticks.length} or more ticks from ${range.start.toISOString()} to ${range.end.toISOString()}; at most ${TICKS_MAX} make a backfill.`,
      { hint: 'Give a shorter range, one after the other.' },
    );
  const [run] = description.action.args as unknown as [PipelineInput];
  const model = modelOf(run.plan);
  if (promote !== undefined && model === undefined)
    throw new PerennialError('USAGE', `The pipeline "${mark.pipeline}" registers no model, so there is none to promote.`, {
      hint: 'Leave "--promote" out.',
    });
  const { pipeline } = mark;
  const workflowId = `backfill/${pipeline}/${now
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')
    .toLowerCase()}-${Math.random().toString(36).slice(2, 6).padEnd(4, '0')}`;
  const input: BackfillInput = {
    pipeline,
    schedule: id,
    ticks,
    run,
    ...(model === undefined ? {} : { model }),
    ...(promote === undefined ? {} : { promote }),
  };
  try {
    await temporal.client.workflow.start('backfill', {
      workflowId,
      taskQueue: temporal.settings.taskQueue,
      args: [input],
      workflowTaskTimeout: TEMPORAL_DEFAULTS.workflow.taskTimeoutMs,
      staticSummary: `${pipeline}: ${ticks.length} ticks from ${ticks[0]!} to ${ticks.at(-1)!}`,
      typedSearchAttributes: startAttributes({
        kind: 'backfill',
        pipeline,
        trigger: 'backfill',
        ...(model === undefined ? {} : { model }),
      }),
      memo: { schedule: id, ticks: ticks.length, first: ticks[0]!, last: ticks.at(-1)! },
    });
  } catch (error) {
    throw temporalError(error, `Backfill of "${id}"`);
  }
  return { id: workflowId, ticks, held: description.state.paused ? (description.state.note ?? '') : null };
}

/** Newest first. Those that go are asked where they are. */
export async function listBackfills(temporal: Temporal, filter: { readonly schedule?: string } = {}): Promise<BackfillRow[]> {
  const rows: BackfillRow[] = [];
  for await (const info of executions(temporal, `RunKind = 'backfill'`)) {
    const { schedule, ticks, first, last } = info.memo as unknown as Pick<BackfillRow, 'schedule' | 'ticks' | 'first' | 'last'>;
    if (filter.schedule !== undefined && filter.schedule !== schedule) continue;
    const goes = info.status.name === 'RUNNING';
    const verdict = (info.searchAttributes as Readonly<Record<string, readonly unknown[] | undefined>>)['Verdict']?.[0];
    const ended = typeof verdict === 'string' ? verdict : info.status.name.toLowerCase();
    const whole = !goes && (ended === 'completed' || ended === 'incomplete');
    const view = whole ? undefined : await viewOf(temporal, info.workflowId);
    const state = goes ? (view?.state ?? 'running') : ended;
    const done = whole ? ticks : (view?.runs.filter(({ status }) => status !== 'running').length ?? null);
    rows.push({
      id: info.workflowId,
      schedule,
      state,
      note: view?.note ?? '',
      ticks,
      first,
      last,
      done,
      startedAt: info.startTime.toISOString(),
    });
  }
  return rows;
}

/** Where a backfill is. Needs a worker. @throws NOT_FOUND, TEMPORAL_UNAVAILABLE */
export async function describeBackfill(temporal: Temporal, id: string): Promise<BackfillView> {
  try {
    return await temporal.connection.withDeadline(Date.now() + 15_000, () =>
      temporal.client.workflow.getHandle(id).query<BackfillView>(BACKFILL_VIEW),
    );
  } catch (error) {
    throw temporalError(error, `Backfill "${id}"`);
  }
}

/** undefined where no worker answers soon. */
async function viewOf(temporal: Temporal, id: string): Promise<BackfillView | undefined> {
  try {
    return await temporal.connection.withDeadline(Date.now() + 3_000, () =>
      temporal.client.workflow.getHandle(id).query<BackfillView>(BACKFILL_VIEW),
    );
  } catch {
    return undefined;
  }
}

/** Its run is cancelled with it. @throws NOT_FOUND, USAGE for one that is over */
export async function cancelBackfill(temporal: Temporal, id: string): Promise<void> {
  try {
    const handle = temporal.client.workflow.getHandle(id);
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING')
      throw new PerennialError('USAGE', `Backfill "${id}" has ended already.`, { hint: `See how: perennial schedules watch ${id}` });
    await handle.cancel();
  } catch (error) {
    throw temporalError(error, `Backfill "${id}"`);
  }
}

/** A backfill by its id or the part after the last "/"; or, where only one goes, by its schedule or pipeline. @throws NOT_FOUND */
export async function findBackfill(temporal: Temporal, name: string): Promise<string> {
  const rows = await listBackfills(temporal);
  const exact = rows.find(({ id }) => id === name || id === `backfill/${name}`);
  const fitting = rows.filter(
    ({ id, schedule, state }) =>
      id.endsWith(`/${name}`) || ((schedule === name || schedule === `${name}/schedule`) && (state === 'running' || state === 'held')),
  );
  if (exact !== undefined) return exact.id;
  if (fitting.length === 1) return fitting[0]!.id;
  const known = (fitting.length === 0 ? rows : fitting)
    .slice(0, 5)
    .map(({ id }) => id)
    .join(', ');
  throw new PerennialError(
    'NOT_FOUND',
    fitting.length === 0
      ? `There is no backfill "${name}".${known === '' ? ' There is none at all.' : ` There is: ${known}.`}`
      : `"${name}" fits more than one backfill: ${known}.`,
    { hint: 'List them with `perennial schedules backfills`.' },
  );
}

/** Tells the backfills of a schedule to look whether it is still paused. */
export async function wakeBackfills(temporal: Temporal, schedule: string): Promise<void> {
  for (const { id, state } of await listBackfills(temporal, { schedule })) {
    if (state !== 'held' && state !== 'running') continue;
    try {
      await temporal.client.workflow.getHandle(id).signal(BACKFILL_LOOK);
    } catch (error) {
      if ((error as Error).name !== 'WorkflowNotFoundError') throw temporalError(error, `Backfill "${id}"`);
    }
  }
}
