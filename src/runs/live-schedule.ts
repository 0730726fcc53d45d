import type { ScheduleDescription } from '@temporalio/client';
import { canonicalJson } from '../core/json.ts';
import { spellDuration } from '../core/duration.ts';
import { intervalText } from './schedule-plan.ts';

type LiveSpec = Pick<ScheduleDescription, 'spec'>['spec'];
type Range = { readonly start: number | string; readonly end: number | string; readonly step: number };

/**
 * When Temporal takes the actions of a schedule, in words that two can be compared by: `cron`, `every`, `timezone`, `jitter`, and
 * whatever else was set by hand. Temporal keeps no cron expression but what it means, so that `0 3 * * MON` comes back as `0 3 * * 1`.
 */
export function timesOf(spec: LiveSpec): Record<string, string> {
  const { calendars, intervals, skip, startAt, endAt } = spec;
  const times: Record<string, string> = {};
  if ((calendars?.length ?? 0) > 0) {
    times.cron = calendars!.map(cronOf).join(' or ');
    times.timezone = spec.timezone === undefined || spec.timezone === '' ? 'UTC' : spec.timezone;
  }
  if ((intervals?.length ?? 0) > 0)
    times.every = intervals!.map(({ every, offset }) => intervalText(Number(every), Number(offset ?? 0))).join(' or ');
  if (Number(spec.jitter ?? 0) > 0) times.jitter = spellDuration(Number(spec.jitter));
  if ((skip?.length ?? 0) > 0) times.skip = skip!.map(cronOf).join(' or ');
  if (startAt !== undefined) times.startAt = startAt.toISOString();
  if (endAt !== undefined) times.endAt = endAt.toISOString();
  return times;
}

const MONTHS = ['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY', 'AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER'];
const DAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];

function cronOf(calendar: NonNullable<LiveSpec['calendars']>[number]): string {
  const { second, minute, hour, dayOfMonth, month, dayOfWeek, year } = calendar;
  const fields = [
    field(minute, 0, 59),
    field(hour, 0, 23),
    field(dayOfMonth, 1, 31),
    field(month, 1, 12, (name) => MONTHS.indexOf(name) + 1),
    field(dayOfWeek, 0, 6, (name) => DAYS.indexOf(name)),
  ].join(' ');
  const seconds = field(second, 0, 59);
  const others = [
    ...(seconds === '0' ? [] : [`seconds ${seconds}`]),
    ...((year as readonly unknown[] | undefined)?.length ? [`years ${canonicalJson(year)}`] : []),
  ];
  return others.length === 0 ? fields : `${fields} (${others.join(', ')})`;
}

function field(ranges: unknown, least: number, most: number, numberOf: (name: string) => number = Number): string {
  const list = (Array.isArray(ranges) ? ranges : []) as readonly Range[];
  if (list.length === 0) return least === 0 && most === 59 ? '0' : '*';
  return list
    .map(({ start, end, step }) => {
      const [from, to] = [start, end].map((one) => (typeof one === 'string' ? numberOf(one) : one)) as [number, number];
      const whole = from === least && to === most;
      if (from === to) return String(from);
      return `${whole ? '*' : `${from}-${to}`}${step > 1 ? `/${step}` : ''}`;
    })
    .join(',');
}
