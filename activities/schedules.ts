import { Context } from '@temporalio/activity';
import type { ScheduleState } from '../src/core/backfill.ts';
import type { TicksFound, TicksTask } from '../src/core/missed-ticks.ts';
import { withFailures } from './failures.ts';

export interface ScheduleActivities {
  scheduleState(id: string): Promise<ScheduleState>;
  ticksOfSchedule(task: TicksTask): Promise<TicksFound>;
}

/** What backfills and scheduled runs ask of Temporal. */
export function scheduleActivities(): ScheduleActivities {
  return {
    ticksOfSchedule: (task) =>
      withFailures(async () => {
        const { scheduleTicks } = await import('../src/runs/schedule-ticks.ts');
        return scheduleTicks(Context.current().client, task);
      }),
    scheduleState: (id) =>
      withFailures(async () => {
        try {
          const { state } = await Context.current().client.schedule.getHandle(id).describe();
          return { exists: true, paused: state.paused, note: state.note ?? '' };
        } catch (error) {
          if ((error as Error).name === 'ScheduleNotFoundError') return { exists: false, paused: false, note: '' };
          throw error;
        }
      }),
  };
}
