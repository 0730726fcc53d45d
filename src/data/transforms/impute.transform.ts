import { PerennialError } from '../../core/errors.ts';
import type { NumberData, TextData } from './column-data.ts';
import { QuantileSketch } from '../table/quantiles.ts';
import { Moments, countCategories, defineTransform, finiteOf, mapNumbers, requireValues } from './transform.ts';

interface Config {
  /** auto: median of numbers, most frequent text. */
  readonly strategy: 'auto' | 'mean' | 'median' | 'mostFrequent' | 'constant';
  readonly value?: number | string;
  readonly indicator: boolean;
}

const STRATEGIES = ['mean', 'median', 'mostFrequent'];

/** What stands in for a missing number. */
const filled =
  (value: number) =>
  (item: number): number =>
    item !== item ? value : item;

export default defineTransform<Config, { value: number | string }>({
  name: 'impute',
  summary: 'Fills missing values: with the mean, the median, the most frequent value, or a constant.',
  configSchema: {
    oneOf: [
      { enum: STRATEGIES, description: 'What stands in for a missing value, learnt from the train split.' },
      {
        type: 'object',
        additionalProperties: false,
        properties: {
          strategy: {
            enum: STRATEGIES,
            description: 'What stands in for a missing value. Left out: the median of numbers, the most frequent text.',
          },
          constant: {
            type: ['number', 'string'],
            description: 'This value stands in, instead of one that is learnt.',
            examples: [0, 'unknown'],
          },
          indicator: {
            type: 'boolean',
            default: false,
            description:
              'Add a number that is 1 where the value was missing, else 0; further transforms leave it as it is. Of numbers and timestamps.',
          },
        },
      },
    ],
    default: {},
    description: 'How missing values are filled.',
    examples: ['median', { constant: 0, indicator: true }],
  },
  examples: ['median', { constant: 0, indicator: true }],
  takes: ['number', 'timestamp', 'text'],
  gives: (kind) => kind,
  beside: ({ indicator }) => (indicator ? ['missing'] : []),
  resolve: (value) => {
    if (typeof value === 'string') return { strategy: value as Config['strategy'], indicator: false };
    const given = (value ?? {}) as { strategy?: Config['strategy']; constant?: number | string; indicator?: boolean };
    if (given.constant !== undefined) {
      if (given.strategy !== undefined) throw new PerennialError('CONFIG_INVALID', 'impute: "strategy" and "constant" exclude each other.');
      return { strategy: 'constant', value: given.constant, indicator: given.indicator ?? false };
    }
    return { strategy: given.strategy ?? 'auto', indicator: given.indicator ?? false };
  },
  fit: (config, { column, kind, seed }) => {
    const strategy = config.strategy !== 'auto' ? config.strategy : kind === 'text' ? 'mostFrequent' : 'median';
    if (kind === 'text' && strategy !== 'mostFrequent' && strategy !== 'constant')
      throw new PerennialError('CONFIG_INVALID', `Column "${column}" is text; impute "${strategy}" needs numbers.`, {
        hint: 'Use {"impute": "mostFrequent"} or {"impute": {"constant": "unknown"}}.',
      });
    if (strategy === 'constant' && (kind === 'text') !== (typeof config.value === 'string')) {
      throw new PerennialError(
        'CONFIG_INVALID',
        `Column "${column}" holds ${kind === 'text' ? 'text' : 'numbers'}; the constant ${JSON.stringify(config.value)} does not fit.`,
      );
    }
    if (kind === 'text' && config.indicator)
      throw new PerennialError('CONFIG_INVALID', `Column "${column}" is text; "indicator" needs numbers.`, {
        hint: 'Use {"impute": {"constant": "missing"}} and oneHot: missing values then have a column of their own.',
      });
    const sketch = new QuantileSketch(seed);
    const moments = new Moments();
    const counts = new Map<string, number>();
    return {
      add: (data) => {
        if (strategy === 'mostFrequent') countCategories(data, counts);
        else if (strategy === 'median') sketch.addAll(finiteOf(data, column));
        else if (strategy === 'mean') moments.addAll(finiteOf(data, column));
      },
      finish: () => {
        if (strategy === 'constant') return { value: config.value! };
        requireValues(strategy === 'median' ? sketch.count : strategy === 'mean' ? moments.count : counts.size, column, 'what to impute');
        if (strategy === 'median') return { value: sketch.quantiles([0.5])[0]! };
        if (strategy === 'mean') return { value: moments.mean };
        // Of equally frequent values the smallest, so that the order of the rows does not matter.
        const order = kind === 'text' ? (a: string, b: string) => (a < b ? -1 : 1) : (a: string, b: string) => Number(a) - Number(b);
        const [top] = [...counts].sort((a, b) => b[1] - a[1] || order(a[0], b[0]))[0]!;
        return { value: kind === 'text' ? top : Number(top) };
      },
    };
  },
  each: ({ indicator }, { value }, { kind }) => (indicator || kind !== 'number' ? undefined : filled(Number(value))),
  apply: (data, { indicator }, { value }) => {
    if (data.kind === 'text') return { kind: 'text', values: data.values.map((text) => text ?? String(value)) };
    const { values, kind } = data as NumberData;
    const whole = mapNumbers(data, filled(Number(value))).values;
    if (!indicator) return { kind, values: whole };
    return {
      kind,
      values: whole,
      beside: { kind: 'vector', width: 1, parts: ['missing'], values: Float32Array.from(values, (item) => (Number.isNaN(item) ? 1 : 0)) },
    };
  },
  invert: (data, { indicator }, _state, beside) => {
    if (!indicator || beside === undefined) return data as NumberData | TextData;
    return { kind: 'number', values: (data as NumberData).values.map((value, row) => (beside.values[row]! > 0.5 ? Number.NaN : value)) };
  },
  reference: 'scikit-learn SimpleImputer',
});
