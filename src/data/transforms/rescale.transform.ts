import { defineTransform, mapPixels, toPixels } from './transform.ts';

interface Config {
  readonly low: number;
  readonly high: number;
}

export default defineTransform<Config, null>({
  name: 'rescale',
  summary: 'Pixels from 0 … 255 to 0 … 1, or to another range.',
  configSchema: {
    type: 'array',
    items: { type: 'number' },
    minItems: 2,
    maxItems: 2,
    default: [0, 1],
    description: 'What 0 and 255 become.',
    examples: [[-1, 1]],
  },
  examples: [[0, 1]],
  takes: ['image', 'pixels'],
  gives: () => 'pixels',
  pixelwise: true,
  resolve: (value) => {
    const [low, high] = (value ?? [0, 1]) as [number, number];
    return { low, high };
  },
  apply: (data, { low, high }, _state, scope) => mapPixels(toPixels(data, scope), (value) => low + (value / 255) * (high - low)),
});
