import type { ScheduleDescription } from '@temporalio/client';
import { PerennialError } from '../core/errors.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { grpcCode, temporalError } from './connect.ts';
import type { Temporal } from './connect.ts';
import { SCHEDULE_KINDS, intervalTextNow } from './schedule-plan.ts';
import type { ScheduleMark } from './schedule-plan.ts';

/** A Schedule that Perennial made, as Temporal has it. */
export interface Marked {
  readonly id: string;
  readonly mark: ScheduleMark;
  readonly description: ScheduleDescription;
  /** Somebody replaced its action, and the mark with it; the schedule itself still says whose it is. */
  readonly replaced: boolean;
}

const AT_ONCE = 16;
/** Schedules that are made to be looked at, and gone at once. */
export const PROBE = 'perennial-check/';

/** Our schedules, by id. */
export async function marked(temporal: Pick<Temporal, 'client'>): Promise<Marked[]> {
  return (await survey(temporal)).ours;
}

/** Our schedules, by id, and what an apply left that was killed while it showed schedules to Temporal. */
export async function survey(temporal: Pick<Temporal, 'client'>): Promise<{ readonly ours: Marked[]; readonly probes: string[] }> {
  let [ids, probes]: [string[], string[]] = [[], []];
  try {
    [ids, probes] = await patiently(async () => {
      const [ours, left]: [string[], string[]] = [[], []];
      for await (const { scheduleId } of temporal.client.schedule.list()) {
        if (scheduleId.startsWith(PROBE)) left.push(scheduleId);
        else if (SCHEDULE_KINDS.some((kind) => scheduleId.endsWith(`/${kind}`))) ours.push(scheduleId);
      }
      return [ours, left];
    });
  } catch (error) {
    throw temporalError(error, 'Listing schedules');
  }
  const found = await mapLimited(ids, AT_ONCE, (id) => findOurs(temporal, id));
  return { ours: found.filter((one) => one !== undefined).sort((a, b) => (a.id < b.id ? -1 : 1)), probes };
}

/** undefined where there is none, or it is not ours. */
export async function findOurs(temporal: Pick<Temporal, 'client'>, id: string): Promise<Marked | undefined> {
  const description = await describeSchedule(temporal, id);
  return description === undefined ? undefined : oursIn(id, description);
}

/** A schedule as ours: by the mark of its action or, where somebody replaced that, by the pipeline that it is kept with. */
export function oursIn(id: string, description: ScheduleDescription): Marked | undefined {
  const mark = markIn(description);
  if (mark !== undefined) return { id, mark, description, replaced: false };
  const pipeline = description.memo?.['pipeline'];
  const kind = typeof pipeline === 'string' && id.startsWith(`${pipeline}/`) ? id.slice(pipeline.length + 1) : undefined;
  if (kind === undefined || !SCHEDULE_KINDS.includes(kind)) return undefined;
  return { id, mark: { formatVersion: 1, kind, pipeline: pipeline as string, facts: {} }, description, replaced: true };
}

const ATTEMPTS = 6;
const PAUSE_MS = 1_000;

/**
 * A call of a server that has much to do, as in the minute in which a thousand monitors look: that it did not answer in time, or asks for
 * patience, says nothing of the next attempt. One that is away is told at once.
 *
 * @param call may be made twice
 */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const code = grpcCode(error) ?? grpcCode((error as { cause?: unknown } | undefined)?.cause);
      if (attempt === ATTEMPTS || (code !== DEADLINE_EXCEEDED && code !== RESOURCE_EXHAUSTED)) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt * (1 + Math.random())));
    }
  }
}

const DEADLINE_EXCEEDED = 4;
const RESOURCE_EXHAUSTED = 8;

/** undefined where there is none. */
export async function describeSchedule(temporal: Pick<Temporal, 'client'>, id: string): Promise<ScheduleDescription | undefined> {
  try {
    return await patiently(() => temporal.client.schedule.getHandle(id).describe());
  } catch (error) {
    if ((error as Error).name === 'ScheduleNotFoundError') return undefined;
    throw temporalError(error, `Schedule "${id}"`);
  }
}

function markIn(description: ScheduleDescription): ScheduleMark | undefined {
  const mark = description.action.memo?.perennial as ScheduleMark | undefined;
  if (mark?.formatVersion !== 1) return undefined;
  const { facts, times } = mark;
  return { ...mark, facts: withTextNow(facts), ...(times === undefined ? {} : { times: withTextNow(times) }) };
}

/** What is only worded otherwise than by an earlier version is no difference. */
function withTextNow(facts: ScheduleMark['facts']): ScheduleMark['facts'] {
  return facts.every === undefined ? facts : { ...facts, every: intervalTextNow(facts.every) };
}

/** A schedule of ours by its id, or the `on.schedule` of a pipeline by the pipeline's name. @throws NOT_FOUND */
export async function findMarked(temporal: Temporal, name: string): Promise<Marked> {
  const id = name.includes('/') ? name : `${name}/schedule`;
  const found = await findOurs(temporal, id);
  if (found !== undefined) return found;
  const known = (await marked(temporal)).map((schedule) => schedule.id);
  throw new PerennialError(
    'NOT_FOUND',
    `There is no schedule "${name}". ${known.length === 0 ? 'There is none at all.' : `There is: ${known.join(', ')}.`}`,
    { hint: 'Create schedules from documents with `perennial apply FILE`.' },
  );
}

export async function withScheduleErrors<T>(id: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw temporalError(error, `Schedule "${id}"`);
  }
}
