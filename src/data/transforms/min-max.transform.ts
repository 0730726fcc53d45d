import { Moments, defineNumberTransform, finiteOf, mapNumbers, rangeOf, requireValues } from './transform.ts';

interface Config {
  readonly low: number;
  readonly high: number;
}

export default defineNumberTransform<Config, { min: number; max: number }>({
  name: 'minMax',
  summary: 'Scales the range of the train split to [0, 1] (or another); values outside of it are not clipped.',
  configSchema: {
    type: 'array',
    items: { type: 'number' },
    minItems: 2,
    maxItems: 2,
    default: [0, 1],
    description: 'Lowest and highest value after scaling.',
    examples: [[-1, 1]],
  },
  examples: [
    [0, 1],
    [-1, 1],
  ],
  takes: ['number'],
  gives: () => 'number',
  resolve: (value) => {
    const [low, high] = (value ?? [0, 1]) as [number, number];
    return { low, high };
  },
  fit: (_config, { column }) => {
    const moments = new Moments();
    return {
      add: (data) => moments.addAll(finiteOf(data, column)),
      finish: () => {
        requireValues(moments.count, column, 'the range');
        return { min: moments.min, max: rangeOf(moments.min, moments.max) === moments.max - moments.min ? moments.max : moments.min };
      },
    };
  },
  each: ({ low, high }, { min, max }) => {
    const range = max > min ? max - min : 1;
    return (value) => low + ((value - min) / range) * (high - low);
  },
  invert: (data, { low, high }, { min, max }) =>
    mapNumbers(data, (value) => (high === low ? min : min + ((value - low) / (high - low)) * (max - min))),
  reference: 'scikit-learn MinMaxScaler',
});
