import { Context } from '@temporalio/activity';
import type { ScheduleState } from '../src/core/backfill.ts';
import { withFailures } from './failures.ts';

export interface ScheduleActivities {
  scheduleState(id: string): Promise<ScheduleState>;
}

/** What the backfill workflow asks of Temporal. */
export function scheduleActivities(): ScheduleActivities {
  return {
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
