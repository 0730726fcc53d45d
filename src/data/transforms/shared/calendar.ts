const DAY = 86_400_000;

/** Periods that come round again. */
export const PERIODS = ['hour', 'day', 'week', 'month', 'year'] as const;
export type Period = (typeof PERIODS)[number];

/** Fraction of the period that has passed, in [0, 1), in UTC. Months and years have their true lengths; weeks start on Monday. */
export function phase(time: number, period: Period): number {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  const within = (start: number, end: number) => (time - start) / (end - start);
  if (period === 'year') return within(Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1));
  if (period === 'month') return within(Date.UTC(year, date.getUTCMonth(), 1), Date.UTC(year, date.getUTCMonth() + 1, 1));
  const length = period === 'week' ? 7 * DAY : period === 'day' ? DAY : 3_600_000;
  // 1970-01-01 was a Thursday.
  const shifted = period === 'week' ? time + 3 * DAY : time;
  return (((shifted % length) + length) % length) / length;
}

/** What a moment consists of, as numbers (UTC). */
export const PARTS: Readonly<Record<string, (time: number) => number>> = {
  year: (time) => new Date(time).getUTCFullYear(),
  month: (time) => new Date(time).getUTCMonth() + 1,
  day: (time) => new Date(time).getUTCDate(),
  dayOfWeek: (time) => ((new Date(time).getUTCDay() + 6) % 7) + 1,
  hour: (time) => new Date(time).getUTCHours(),
  minute: (time) => new Date(time).getUTCMinutes(),
  time: (time) => time / DAY,
};
