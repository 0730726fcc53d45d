import { cronTimes } from '../../config/cron.ts';
import type { DesiredSchedule } from '../../runs/schedule-plan.ts';

const MINUTE_MS = 60_000;
/** Time zones differ from UTC by multiples of this. */
const QUARTER_MS = 15 * MINUTE_MS;
/** Clocks go back by an hour, on Lord Howe Island by half of one. */
const BACK_MS = [30 * MINUTE_MS, 60 * MINUTE_MS];
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

interface Local {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly isEast: boolean;
}

/**
 * When a schedule ticks, after `from` and up to `to` (milliseconds since 1970), as Temporal has it: intervals count from 1970 and their
 * offset, a cron goes by the wall clock of its time zone. Of a time that comes twice when the clocks go back, Temporal takes both west of
 * Greenwich, and the later one east of it (where of expressions with many times in that hour it takes some besides that fit nothing; those
 * are left out). Jitter is left out: a simulation is the same each time.
 */
export function ticksOf({ when }: Pick<DesiredSchedule, 'when'>, from: number, to: number): number[] {
  const ticks: number[] = [];
  if ('everyMs' in when) {
    const { everyMs, offsetMs = 0 } = when;
    for (let at = (Math.floor((from - offsetMs) / everyMs) + 1) * everyMs + offsetMs; at <= to; at += everyMs) ticks.push(at);
    return ticks;
  }
  const { minutes, hours, onDay } = cronTimes(when.cron);
  const localOf = wallClock(when.timezone);
  for (let quarter = Math.floor(from / QUARTER_MS) * QUARTER_MS; quarter <= to; quarter += QUARTER_MS) {
    const local = localOf(quarter);
    if (!hours.has(local.hour) || !onDay(local.month, local.day, local.weekday)) continue;
    if (hours.size < 24 && local.isEast && comesAgain(localOf, quarter, local)) continue;
    for (let minute = 0; minute < QUARTER_MS / MINUTE_MS; minute += 1) {
      const at = quarter + minute * MINUTE_MS;
      if (at > from && at <= to && minutes.has(local.minute + minute)) ticks.push(at);
    }
  }
  return ticks;
}

/** Whether the clocks go back soon, and show the same once more. */
function comesAgain(localOf: (ms: number) => Local, quarter: number, { day, hour, minute }: Local): boolean {
  return BACK_MS.some((back) => {
    const later = localOf(quarter + back);
    return later.day === day && later.hour === hour && later.minute === minute;
  });
}

function wallClock(timeZone: string): (ms: number) => Local {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  });
  return (ms) => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const [year, month, day, hour, minute] = ['year', 'month', 'day', 'hour', 'minute'].map((name) => Number(parts[name]));
    return {
      month: month!,
      day: day!,
      weekday: WEEKDAYS.indexOf(parts['weekday']!),
      hour: hour!,
      minute: minute!,
      isEast: Date.UTC(year!, month! - 1, day, hour, minute) > ms,
    };
  };
}
