import type { ScheduleDescription } from '@temporalio/client';
import { PerennialError } from '../core/errors.ts';
import { temporalError } from './connect.ts';
import type { Temporal } from './connect.ts';
import { SCHEDULE_KINDS } from './schedule-plan.ts';
import type { ScheduleMark } from './schedule-plan.ts';

/** A Schedule that Perennial made, as Temporal has it. */
export interface Marked {
  readonly id: string;
  readonly mark: ScheduleMark;
  readonly description: ScheduleDescription;
}

/** Our schedules, by id. */
export async function marked(temporal: Pick<Temporal, 'client'>): Promise<Marked[]> {
  const found: Marked[] = [];
  try {
    for await (const { scheduleId } of temporal.client.schedule.list()) {
      if (!SCHEDULE_KINDS.some((kind) => scheduleId.endsWith(`/${kind}`))) continue;
      const description = await describeSchedule(temporal, scheduleId);
      const mark = description === undefined ? undefined : markIn(description);
      if (mark !== undefined) found.push({ id: scheduleId, mark, description: description! });
    }
  } catch (error) {
    throw temporalError(error, 'Listing schedules');
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** undefined where there is none. */
export async function describeSchedule(temporal: Pick<Temporal, 'client'>, id: string): Promise<ScheduleDescription | undefined> {
  try {
    return await temporal.client.schedule.getHandle(id).describe();
  } catch (error) {
    if ((error as Error).name === 'ScheduleNotFoundError') return undefined;
    throw temporalError(error, `Schedule "${id}"`);
  }
}

export function markIn(description: ScheduleDescription): ScheduleMark | undefined {
  const mark = description.action.memo?.perennial as ScheduleMark | undefined;
  return mark?.formatVersion === 1 ? mark : undefined;
}

/** A schedule of ours by its id, or the `on.schedule` of a pipeline by the pipeline's name. @throws NOT_FOUND */
export async function findMarked(temporal: Temporal, name: string): Promise<Marked> {
  const id = name.includes('/') ? name : `${name}/schedule`;
  const description = await describeSchedule(temporal, id);
  const mark = description === undefined ? undefined : markIn(description);
  if (mark !== undefined) return { id, mark, description: description! };
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
