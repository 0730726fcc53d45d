import type { NumberData } from '../column-data.ts';
import { defineTransform } from '../transform.ts';

interface Config {
  readonly period: string;
}

const DAY = 86_400_000;

/** Fraction of the period that has passed, in [0, 1). Months and years have their true lengths. */
function phase(time: number, period: string): number {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  const within = (start: number, end: number) => (time - start) / (end - start);
  if (period === 'year') return within(Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1));
  if (period === 'month') return within(Date.UTC(year, date.getUTCMonth(), 1), Date.UTC(year, date.getUTCMonth() + 1, 1));
  const length = period === 'week' ? 7 * DAY : period === 'day' ? DAY : 3_600_000;
  // 1970-01-01 was a Thursday; weeks start on Monday.
  const shifted = period === 'week' ? time + 3 * DAY : time;
  return (((shifted % length) + length) % length) / length;
}

export default defineTransform<Config, null>({
  name: 'cyclical',
  summary: 'Sine and cosine of the position within a period, so that its end is near its start.',
  configSchema: {
    oneOf: [
      { enum: ['hour', 'day', 'week', 'month', 'year'], description: 'The period.' },
      { type: 'object', additionalProperties: false, required: ['period'], properties: { period: { enum: ['hour', 'day', 'week', 'month', 'year'], description: 'The period.' } } },
    ],
    default: 'year',
    description: 'The period, in UTC.',
    examples: ['year', 'day'],
  },
  examples: ['year', { period: 'day' }],
  takes: ['timestamp'],
  gives: () => 'vector',
  resolve: (value) => (typeof value === 'string' ? { period: value } : { period: 'year', ...(value as object | null) }),
  apply: (data, { period }) => {
    const times = (data as NumberData).values;
    const values = new Float32Array(times.length * 2);
    for (let row = 0; row < times.length; row += 1) {
      const angle = 2 * Math.PI * phase(times[row]!, period);
      values[2 * row] = Math.sin(angle);
      values[2 * row + 1] = Math.cos(angle);
    }
    return { kind: 'vector', width: 2, parts: [`sin ${period}`, `cos ${period}`], values };
  },
});
