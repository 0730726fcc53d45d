import type { NumberData } from './column-data.ts';
import { defineNumberTransform, mapNumbers } from './transform.ts';

interface Config {
  readonly low: number | null;
  readonly high: number | null;
}

export default defineNumberTransform<Config, null>({
  name: 'clip',
  summary: 'Limits values to a range; infinities become its ends.',
  configSchema: {
    type: 'array',
    items: { type: ['number', 'null'] },
    minItems: 2,
    maxItems: 2,
    description: 'Lowest and highest value; null leaves an end open.',
    examples: [
      [0, 100],
      [0, null],
    ],
  },
  needsConfig: true,
  examples: [
    [0, 100],
    [0, null],
  ],
  takes: ['number'],
  gives: () => 'number',
  resolve: (value) => {
    const [low, high] = value as [number | null, number | null];
    return { low, high };
  },
  each: (config) => (value) => clipped(value, config),
  invert: (data, config) => mapNumbers(data as NumberData, (value) => clipped(value, config)),
  reference: 'NumPy clip',
});

function clipped(value: number, { low, high }: Config): number {
  if (low !== null && value < low) return low;
  return high !== null && value > high ? high : value;
}
