import { QuantileSketch } from '../table/quantiles.ts';
import { defineNumberTransform, finiteOf, mapNumbers, rangeOf, requireValues } from './transform.ts';

type Nothing = Record<string, never>;

export default defineNumberTransform<Nothing, { median: number; range: number }>({
  name: 'robust',
  summary: 'Subtracts the median and divides by the distance between the quartiles: outliers do not move it.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {},
    default: {},
    description: 'Median 0, distance of the quartiles 1.',
  },
  examples: [{}],
  takes: ['number'],
  gives: () => 'number',
  resolve: () => ({}),
  fit: (_config, { column, seed }) => {
    const sketch = new QuantileSketch(seed);
    return {
      add: (data) => sketch.addAll(finiteOf(data, column)),
      finish: () => {
        requireValues(sketch.count, column, 'the quartiles');
        const [q1, median, q3] = sketch.quantiles([0.25, 0.5, 0.75]) as [number, number, number];
        return { median, range: rangeOf(q1, q3) };
      },
    };
  },
  each:
    (_config, { median, range }) =>
    (value) =>
      (value - median) / range,
  invert: (data, _config, { median, range }) => mapNumbers(data, (value) => value * range + median),
  reference: 'scikit-learn RobustScaler',
});
