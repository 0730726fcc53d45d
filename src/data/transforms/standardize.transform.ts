import { Moments, defineNumberTransform, finiteOf, mapNumbers, requireValues } from './transform.ts';

type Nothing = Record<string, never>;

export default defineNumberTransform<Nothing, { mean: number; std: number }>({
  name: 'standardize',
  summary: 'Subtracts the mean and divides by the standard deviation (of the population); a constant column becomes 0.',
  configSchema: { type: 'object', additionalProperties: false, properties: {}, default: {}, description: 'Zero mean and unit variance.' },
  examples: [{}],
  takes: ['number'],
  gives: () => 'number',
  resolve: () => ({}),
  fit: (_config, { column }) => {
    const moments = new Moments();
    return {
      add: (data) => moments.addAll(finiteOf(data, column)),
      finish: () => {
        requireValues(moments.count, column, 'mean and deviation');
        return { mean: moments.mean, std: moments.scale };
      },
    };
  },
  each:
    (_config, { mean, std }) =>
    (value) =>
      (value - mean) / std,
  invert: (data, _config, { mean, std }) => mapNumbers(data, (value) => value * std + mean),
  reference: 'scikit-learn StandardScaler',
});
