import type { NumberData } from '../column-data.ts';
import { defineTransform } from '../transform.ts';

const PARTS: Readonly<Record<string, (date: Date) => number>> = {
  year: (date) => date.getUTCFullYear(),
  month: (date) => date.getUTCMonth() + 1,
  day: (date) => date.getUTCDate(),
  dayOfWeek: (date) => ((date.getUTCDay() + 6) % 7) + 1,
  hour: (date) => date.getUTCHours(),
  minute: (date) => date.getUTCMinutes(),
};

interface Config {
  readonly parts: readonly string[];
}

export default defineTransform<Config, null>({
  name: 'dateParts',
  summary: 'Parts of a timestamp (UTC) as numbers: year, month 1-12, day 1-31, dayOfWeek 1 (Monday) to 7, hour, minute.',
  configSchema: {
    type: 'array', items: { enum: Object.keys(PARTS) }, minItems: 1, uniqueItems: true, default: ['month', 'dayOfWeek', 'hour'],
    description: 'The parts, in order.', examples: [['month', 'hour']],
  },
  examples: [['month', 'dayOfWeek', 'hour']],
  takes: ['timestamp'],
  gives: () => 'vector',
  resolve: (value) => ({ parts: (value ?? ['month', 'dayOfWeek', 'hour']) as string[] }),
  apply: (data, { parts }) => {
    const times = (data as NumberData).values;
    const width = parts.length;
    const values = new Float32Array(times.length * width);
    for (let row = 0; row < times.length; row += 1) {
      const date = new Date(times[row]!);
      parts.forEach((part, at) => (values[row * width + at] = PARTS[part]!(date)));
    }
    return { kind: 'vector', width, parts, values };
  },
});
