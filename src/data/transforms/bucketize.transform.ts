import type { NumberData } from './column-data.ts';
import { QuantileSketch } from '../table/quantiles.ts';
import { Moments, defineTransform, finiteOf, requireValues } from './transform.ts';

interface Config {
  readonly bins: number;
  readonly by: 'quantile' | 'width';
  readonly boundaries?: readonly number[];
  readonly encode: 'oneHot' | 'ordinal';
}

export default defineTransform<Config, { edges: number[] }>({
  name: 'bucketize',
  summary: "Sorts numbers into bins, one-hot encoded or as the bin's number. Bins include their lower edge.",
  configSchema: {
    type: 'object',
    additionalProperties: false,
    default: {},
    description: 'Bins of equal frequency (quantile), of equal width, or between given boundaries.',
    properties: {
      bins: { type: 'integer', minimum: 2, maximum: 1_000, default: 10, description: 'Number of bins; equal edges are merged.' },
      by: { enum: ['quantile', 'width'], default: 'quantile', description: 'How the edges are found.' },
      boundaries: {
        type: 'array',
        items: { type: 'number' },
        minItems: 1,
        description: 'Inner edges, ascending; "bins" and "by" do not apply then.',
        examples: [[18, 40, 65]],
      },
      encode: { enum: ['oneHot', 'ordinal'], default: 'oneHot', description: 'One column per bin, or the number of the bin from 0.' },
    },
    examples: [{ bins: 5 }, { boundaries: [18, 40, 65] }],
  },
  examples: [{ bins: 5, by: 'quantile', encode: 'oneHot' }],
  takes: ['number'],
  gives: (_kind, { encode }) => (encode === 'oneHot' ? 'vector' : 'number'),
  resolve: (value) => ({ bins: 10, by: 'quantile', encode: 'oneHot', ...(value as object | null) }),
  fit: (config, { column, seed }) => {
    const sketch = new QuantileSketch(seed);
    const moments = new Moments();
    return {
      add: (data) => {
        const values = finiteOf(data, column);
        if (config.by === 'quantile') sketch.addAll(values);
        moments.addAll(values);
      },
      finish: () => {
        if (config.boundaries !== undefined) return { edges: [...config.boundaries].sort((a, b) => a - b) };
        requireValues(moments.count, column, 'the bins');
        const inner = Array.from({ length: config.bins - 1 }, (_, index) => (index + 1) / config.bins);
        const edges =
          config.by === 'quantile' ? sketch.quantiles(inner) : inner.map((share) => moments.min + share * (moments.max - moments.min));
        return { edges: [...new Set(edges)].filter((edge) => edge > moments.min) };
      },
    };
  },
  apply: (data, { encode }, { edges }) => {
    const { values } = data as NumberData;
    const bins = Array.from(values, (value) =>
      Number.isNaN(value) ? Number.NaN : edges.reduce((bin, edge) => bin + (value >= edge ? 1 : 0), 0),
    );
    if (encode === 'ordinal') return { kind: 'number', values: Float64Array.from(bins) };
    const width = edges.length + 1;
    const hot = new Float32Array(values.length * width);
    bins.forEach((bin, row) => {
      if (Number.isNaN(bin)) hot.fill(Number.NaN, row * width, (row + 1) * width);
      else hot[row * width + bin] = 1;
    });
    return { kind: 'vector', width, parts: Array.from({ length: width }, (_, bin) => `bin ${bin}`), values: hot };
  },
  reference: 'scikit-learn KBinsDiscretizer',
});
