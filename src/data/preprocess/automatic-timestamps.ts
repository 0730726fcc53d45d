import type { TransformSpec } from './chain.ts';
import { PARTS } from '../transforms/shared/calendar.ts';
import type { Period } from '../transforms/shared/calendar.ts';
import type { ColumnProfile } from '../stored/dataset.ts';

const DAY = 86_400_000;

/** Cycles that are worth looking at from so many days on: within less, the time itself tells as much. */
const FROM_DAYS: readonly (readonly [Period, number])[] = [
  ['year', 60],
  ['month', 60],
  ['week', 7],
  ['day', 1],
];

/** What varies within each period. */
const WITHIN: Readonly<Record<Period, (time: number) => number>> = {
  year: PARTS.month!,
  month: PARTS.day!,
  week: PARTS.dayOfWeek!,
  day: (time) => ((time % DAY) + DAY) % DAY,
  hour: PARTS.minute!,
};

/** The time itself, and the cycles of the calendar that the times go through and differ in: dates without a time of day have no hour. */
export function timestampTransforms({ number }: ColumnProfile): TransformSpec {
  const { min = 0, max = 0, sample = [] } = number ?? {};
  const differs = (period: Period): boolean => new Set(sample.map(WITHIN[period])).size > 1;
  const cycles = FROM_DAYS.filter(([period, days]) => max - min >= days * DAY && differs(period)).map(([period]) => period);
  if (max - min < DAY && differs('hour')) cycles.push('hour');
  return { dateParts: { parts: ['time'], cycles, scale: true } };
}
