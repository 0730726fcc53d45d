import { checkCron, cronTimes } from '../config/cron.ts';
import { inRightCase, isZoneName } from '../config/zone-names.ts';
import { DURATION_PATTERN, durationMs } from '../core/duration.ts';
import type { JsonSchema } from '../core/json.ts';
import type { ConfigProblem } from '../core/step.ts';
import { momentOf } from '../data/reading/zones.ts';

/** A time in which nothing is promoted: from each tick of a clock on for a while, or between two points of the calendar. */
export interface Freeze {
  readonly cron?: string;
  readonly for?: string;
  readonly from?: string;
  readonly to?: string;
  readonly timezone?: string;
  readonly why?: string;
}

const DAY_MS = 86_400_000;
/** Longest freeze of a clock, in milliseconds: longer ones are said by the calendar. */
const FOR_MS_MAX = 31 * DAY_MS;
const POINT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?$/;

export const FREEZE_SCHEMA: JsonSchema = {
  type: 'array',
  minItems: 1,
  maxItems: 50,
  description:
    'Times in which nothing is promoted. A version of such a time is registered, and a person may promote it: `perennial models promote NAME VERSION`. A rollout that goes on takes no larger share. What serves may still go back.',
  examples: [
    [
      { cron: '0 16 * * FRI', for: '64h', timezone: 'Europe/Berlin', why: 'nobody is there at weekends' },
      { from: '2026-12-20', to: '2027-01-03', why: 'the busiest days of the year' },
    ],
  ],
  items: {
    type: 'object',
    additionalProperties: false,
    minProperties: 2,
    properties: {
      cron: {
        type: 'string',
        description: 'When it begins, again and again: five fields, as of `on.schedule`.',
        examples: ['0 16 * * FRI'],
      },
      for: {
        description: 'With "cron": how long it lasts, up to 31 days.',
        type: 'string',
        pattern: DURATION_PATTERN,
        examples: ['64h'],
      },
      from: {
        type: 'string',
        pattern: POINT.source,
        description: 'In place of "cron": a day, or a day and time, from which on.',
        examples: ['2026-12-20'],
      },
      to: {
        type: 'string',
        pattern: POINT.source,
        description: 'With "from": the first day, or point in time, that is free again.',
        examples: ['2027-01-03'],
      },
      timezone: { type: 'string', default: 'UTC', description: 'IANA time zone of all of these.', examples: ['Europe/Berlin'] },
      why: { type: 'string', minLength: 1, maxLength: 200, description: 'For people.', examples: ['nobody is there at weekends'] },
    },
  },
};

/** Mistakes that the schema cannot say. */
export function checkFreeze(freezes: readonly Freeze[] | undefined): ConfigProblem[] {
  return (freezes ?? []).flatMap((freeze, place) =>
    problemsOf(freeze).map((problem) => ({ ...problem, pointer: `/freeze/${place}${problem.pointer}` })),
  );
}

function problemsOf({ cron, for: length, from, to, timezone }: Freeze): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (timezone !== undefined && !isZoneName(timezone))
    problems.push({
      pointer: '/timezone',
      message: `There is no time zone "${timezone}".`,
      fix: `Write a name of the IANA list, such as "${inRightCase(timezone) ?? 'Europe/Berlin'}".`,
    });
  const isClock = cron !== undefined || length !== undefined;
  const isCalendar = from !== undefined || to !== undefined;
  if (
    isClock === isCalendar ||
    (isClock && (cron === undefined || length === undefined)) ||
    (isCalendar && (from === undefined || to === undefined))
  )
    return [
      ...problems,
      {
        pointer: '',
        message: 'A freeze has either "cron" and "for", or "from" and "to".',
        fix: 'For example {"cron": "0 16 * * FRI", "for": "64h"}.',
      },
    ];
  if (cron !== undefined) {
    const problem = checkCron(cron);
    if (problem !== undefined) problems.push({ pointer: '/cron', ...problem });
    const ms = durationMs(length!);
    if (ms <= 0 || ms > FOR_MS_MAX)
      problems.push({
        pointer: '/for',
        message: `A freeze lasts up to 31 days, not ${length!}.`,
        fix: 'Write a longer one with "from" and "to".',
      });
    return problems;
  }
  for (const [pointer, point] of [
    ['/from', from!],
    ['/to', to!],
  ] as const)
    if (Number.isNaN(localOf(point)))
      problems.push({ pointer, message: `There is no ${point} in the calendar.`, fix: 'Write a day such as 2026-12-20.' });
  if (problems.length === 0 && localOf(to!) <= localOf(from!))
    problems.push({ pointer: '/to', message: `The freeze ends (${to!}) before it begins (${from!}).`, fix: 'Swap them.' });
  return problems;
}

/** Milliseconds of a point in time as if its zone were UTC; NaN: there is none. */
function localOf(point: string): number {
  const at = Date.parse(`${point.includes('T') ? point : `${point}T00:00`}Z`);
  // 30 February would be taken for a day of March.
  return Number.isNaN(at) || !new Date(at).toISOString().startsWith(point.slice(0, 10)) ? Number.NaN : at;
}

/** The freeze that holds at a point in time, and when it ends; of several the one that ends last. */
export function frozenUntil(freezes: readonly Freeze[], now: number): { readonly until: string; readonly why: string } | undefined {
  let found: { until: number; why: string } | undefined;
  for (const freeze of freezes) {
    const until = endOf(freeze, now);
    if (until !== undefined && (found === undefined || until > found.until)) found = { until, why: freeze.why ?? '' };
  }
  return found === undefined ? undefined : { until: new Date(found.until).toISOString(), why: found.why };
}

function endOf({ cron, for: length, from, to, timezone = 'UTC' }: Freeze, now: number): number | undefined {
  if (cron === undefined) {
    const [begin, end] = [momentOf(localOf(from!), timezone), momentOf(localOf(to!), timezone)];
    return begin <= now && now < end ? end : undefined;
  }
  const lasts = durationMs(length!);
  const times = cronTimes(cron);
  // A day more on either side, since the day of the zone may be another one.
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  let latest: number | undefined;
  for (let day = today + DAY_MS; day >= today - lasts - 2 * DAY_MS; day -= DAY_MS) {
    const date = new Date(day);
    if (!times.onDay(date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCDay())) continue;
    for (const hour of times.hours)
      for (const minute of times.minutes) {
        const begin = momentOf(day + hour * 3_600_000 + minute * 60_000, timezone);
        if (begin <= now && now < begin + lasts && (latest === undefined || begin > latest)) latest = begin;
      }
  }
  return latest === undefined ? undefined : latest + lasts;
}
