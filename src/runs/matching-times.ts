import type { WorkflowService } from '@temporalio/client';
import { temporalError } from './connect.ts';
import type { Temporal } from './connect.ts';

interface TimeRange {
  readonly start: Date;
  readonly end: Date;
}

/** The ticks of a schedule between two times (both included), ISO 8601, as Temporal itself counts them. @throws NOT_FOUND */
export async function matchingTimes({ client, settings }: Temporal, scheduleId: string, range: TimeRange): Promise<string[]> {
  try {
    // Temporal leaves out the first moment of the range.
    return await ticksBetween(client.workflowService, settings.namespace, scheduleId, {
      start: new Date(range.start.getTime() - 1),
      end: range.end,
    });
  } catch (error) {
    throw temporalError(error, `Schedule "${scheduleId}"`);
  }
}

/** The ticks of a schedule after a time, up to another one; of many the oldest. */
export async function ticksBetween(
  service: WorkflowService,
  namespace: string,
  scheduleId: string,
  { start, end }: TimeRange,
): Promise<string[]> {
  const { optionalDateToTs, tsToDate } = await import('@temporalio/common/lib/time.js');
  const { startTime } = await service.listScheduleMatchingTimes({
    namespace,
    scheduleId,
    startTime: optionalDateToTs(start)!,
    endTime: optionalDateToTs(end)!,
  });
  return (startTime ?? []).map((time) => tsToDate(time).toISOString());
}
