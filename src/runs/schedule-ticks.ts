import type { Client } from '@temporalio/client';
import type { TicksFound, TicksTask } from '../core/missed-ticks.ts';
import { ticksBetween } from './matching-times.ts';

/** More than Temporal lists at a time. */
const LISTS_MAX = 1_000;

/** Where a schedule is with its ticks. */
export async function scheduleTicks(client: Client, { schedule, from, to }: TicksTask): Promise<TicksFound> {
  try {
    const { state, info } = await client.schedule.getHandle(schedule).describe();
    const taken = info.recentActions.at(-1)?.scheduledAt.toISOString() ?? null;
    return {
      exists: true,
      paused: state.paused,
      taken,
      next: info.nextActionTimes[0]?.toISOString() ?? null,
      newest: await newestTick(client, schedule, from, to),
    };
  } catch (error) {
    if ((error as Error).name === 'ScheduleNotFoundError') return { exists: false, paused: false, newest: null, next: null, taken: null };
    throw error;
  }
}

/** Temporal lists the oldest of a range first, and of a long one no others. */
async function newestTick(client: Client, schedule: string, from: string, to: string): Promise<string | null> {
  let newest: string | null = null;
  for (let lists = 0, start = from; lists < LISTS_MAX && start < to; lists += 1) {
    const last = (
      await ticksBetween(client.workflowService, client.options.namespace, schedule, { start: new Date(start), end: new Date(to) })
    ).at(-1);
    if (last === undefined || last <= start) break;
    newest = start = last;
  }
  return newest;
}
