import { plural } from '../core/plural.ts';
import { cronTimes } from '../config/cron.ts';
import type { CronTimes } from '../config/cron.ts';
import { matchingTimes } from './matching-times.ts';
import type { Temporal } from './connect.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const YEAR_DAYS = 366;

/** What a day on which the clocks of a zone are changed does to a schedule. Times of the day in the zone, "02:30". */
export interface ClockChange {
  /** Date in the zone. */
  readonly date: string;
  /** Times of the cron expression at which Temporal takes no action. */
  readonly lost: readonly string[];
  /** Times at which it takes two. */
  readonly doubled: readonly string[];
  /** Times that the day has twice, and at which it takes one action all the same. Moments in ISO 8601 UTC. */
  readonly once: readonly { readonly time: string; readonly tick: string }[];
}

/** The days of the next year on which a schedule ticks otherwise than its cron expression says, as Temporal itself counts the ticks. */
export async function clockChanges(
  temporal: Temporal,
  id: string,
  cron: string,
  timezone: string,
  from = new Date(),
): Promise<ClockChange[]> {
  const crons = cron.split(' or ').map(cronTimes);
  const zone = zoneOf(timezone);
  const changes: ClockChange[] = [];
  for (const at of moments(zone, from)) {
    const date = zone.local(at).slice(0, 10);
    const wanted = timesOn(crons, date);
    // What runs every hour goes on through the change: the hour that is not there is no hour.
    if (wanted.length === 0 || crons.some(({ hours }) => hours.size === 24)) continue;
    const ticksTaken = (await matchingTimes(temporal, id, { start: new Date(at - 2 * DAY_MS), end: new Date(at + 2 * DAY_MS) }))
      .map((tick) => ({ tick: new Date(tick).toISOString(), local: zone.local(Date.parse(tick)) }))
      .filter(({ local }) => local.startsWith(date))
      .map(({ tick, local }) => ({ tick, time: local.slice(11, 16) }));
    const taken = ticksTaken.map(({ time }) => time);
    const count = (time: string): number => taken.filter((one) => one === time).length;
    const [lost, doubled] = [wanted.filter((time) => count(time) === 0), [...new Set(taken)].filter((time) => count(time) > 1)];
    // Where the clocks go back, what they show from now on they have shown before.
    const back = zone.offset(at - MINUTE_MS) - zone.offset(at);
    const twice = (tick: string): boolean => Date.parse(tick) >= at - back && Date.parse(tick) < at + back;
    const once =
      back <= 0 ? [] : ticksTaken.filter(({ time, tick }) => twice(tick) && count(time) === 1).map(({ time, tick }) => ({ time, tick }));
    if (lost.length + doubled.length + once.length > 0) changes.push({ date, lost, doubled, once });
  }
  return changes;
}

/** The same in words; null where nothing happens. */
export async function daylightNote(
  temporal: Temporal,
  id: string,
  cron: string,
  timezone: string,
  from = new Date(),
): Promise<string | null> {
  const parts = (await clockChanges(temporal, id, cron, timezone, from)).flatMap(({ date, lost, doubled, once }) => [
    ...(lost.length === 0 ? [] : [`${ticks(lost)} lost (${list(lost)}) on ${date}, when the clocks of ${timezone} are changed`]),
    ...(doubled.length === 0
      ? []
      : [`${ticks(doubled)} doubled (${list(doubled)}) on ${date}, when the clocks of ${timezone} are changed`]),
    ...(once.length === 0
      ? []
      : [
          `${list(once.map(({ time }) => time))} come${once.length === 1 ? 's' : ''} twice on ${date}, when the clocks of ${timezone} are changed, and tick${once.length === 1 ? 's' : ''} once (${list(once.map(({ tick }) => `${tick.slice(11, 16)} UTC`))})`,
        ]),
  ]);
  return parts.length === 0 ? null : parts.join('; ');
}

const list = (times: readonly string[]): string => (times.length > 3 ? `${times.slice(0, 3).join(', ')}, …` : times.join(', '));
const ticks = (times: readonly string[]): string => plural(times.length, 'tick');

function timesOn(crons: readonly CronTimes[], date: string): string[] {
  const midnight = new Date(`${date}T00:00:00Z`);
  const fitting = crons.filter(({ onDay }) => onDay(midnight.getUTCMonth() + 1, midnight.getUTCDate(), midnight.getUTCDay()));
  const times = fitting.flatMap(({ hours, minutes }) =>
    [...hours].flatMap((hour) => [...minutes].map((minute) => `${two(hour)}:${two(minute)}`)),
  );
  return [...new Set(times)].sort();
}

const two = (value: number): string => String(value).padStart(2, '0');

interface Zone {
  /** The local time as "2026-03-29T02:30:00". */
  local(at: number): string;
  /** Milliseconds by which the clocks are ahead of UTC. */
  offset(at: number): number;
}

function zoneOf(timeZone: string): Zone {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const wall = (at: number): number => {
    const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)])) as Record<string, number>;
    return Date.UTC(part['year']!, part['month']! - 1, part['day'], part['hour'], part['minute'], part['second']);
  };
  return { local: (at) => new Date(wall(at)).toISOString().slice(0, 19), offset: (at) => wall(at) - Math.floor(at / 1_000) * 1_000 };
}

/** The moments of the next year at which the clocks of a zone are changed. */
function moments(zone: Zone, from: Date): number[] {
  const found: number[] = [];
  for (let day = 0, at = from.getTime(); day < YEAR_DAYS; day += 1, at += DAY_MS) {
    const before = zone.offset(at);
    if (before === zone.offset(at + DAY_MS)) continue;
    let [low, high] = [Math.floor(at / MINUTE_MS), Math.ceil((at + DAY_MS) / MINUTE_MS)];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (zone.offset(middle * MINUTE_MS) === before) low = middle;
      else high = middle;
    }
    found.push(high * MINUTE_MS);
  }
  return found;
}
