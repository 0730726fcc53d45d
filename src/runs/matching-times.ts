import { temporalError } from './connect.ts';
import type { Temporal } from './connect.ts';

/** The ticks of a schedule between two times (both included), ISO 8601, as Temporal itself counts them. @throws NOT_FOUND */
export async function matchingTimes(
  temporal: Temporal,
  scheduleId: string,
  range: { readonly start: Date; readonly end: Date },
): Promise<string[]> {
  const { optionalDateToTs, tsToDate } = await import('@temporalio/common/lib/time.js');
  try {
    // Temporal leaves out the first moment of the range.
    const start = new Date(range.start.getTime() - 1);
    const { startTime } = await temporal.client.workflowService.listScheduleMatchingTimes({
      namespace: temporal.settings.namespace,
      scheduleId,
      startTime: optionalDateToTs(start)!,
      endTime: optionalDateToTs(range.end)!,
    });
    return (startTime ?? []).map((time) => tsToDate(time).toISOString());
  } catch (error) {
    throw temporalError(error, `Schedule "${scheduleId}"`);
  }
}
