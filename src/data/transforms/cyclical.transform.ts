import type { NumberData } from './column-data.ts';
import { defineTransform } from './transform.ts';
import { PERIODS, phase } from './shared/calendar.ts';
import type { Period } from './shared/calendar.ts';

interface Config {
  readonly period: Period;
}

export default defineTransform<Config, null>({
  name: 'cyclical',
  summary: 'Sine and cosine of the position within a period, so that its end is near its start.',
  configSchema: {
    oneOf: [
      { enum: PERIODS, description: 'The period.' },
      {
        type: 'object',
        additionalProperties: false,
        required: ['period'],
        properties: { period: { enum: PERIODS, description: 'The period.' } },
      },
    ],
    default: 'year',
    description: 'The period, in UTC.',
    examples: ['year', 'day'],
  },
  examples: ['year', { period: 'day' }],
  takes: ['timestamp'],
  gives: () => 'vector',
  resolve: (value) => (typeof value === 'string' ? { period: value as Period } : { period: 'year', ...(value as object | null) }),
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
