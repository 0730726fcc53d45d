import { QuantileSketch } from '../table/quantiles.ts';
import { defineNumberTransform, finiteOf, mapNumbers, requireValues, withDefaults } from './transform.ts';
import { normalQuantile, normalShare } from './shared/normal-quantile.ts';

interface Config {
  readonly output: 'normal' | 'uniform';
  readonly quantiles: number;
}

const DEFAULTS: Config = { output: 'normal', quantiles: 1_000 };

/** Shares nearer to 0 and 1 than this would be infinite. */
const BOUND = 1e-7;
const LOWEST = normalQuantile(BOUND - Number.EPSILON);
const HIGHEST = normalQuantile(1 - (BOUND - Number.EPSILON));

/** Linear between the points (`xs`, `ys`), ascending; of equal `xs` the last. As NumPy's interp. */
function interpolate(x: number, xs: readonly number[], ys: readonly number[]): number {
  const last = xs.length - 1;
  if (x >= xs[last]!) return ys[last]!;
  if (x < xs[0]!) return ys[0]!;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle]! <= x) low = middle;
    else high = middle;
  }
  return ys[low]! + ((x - xs[low]!) / (xs[high]! - xs[low]!)) * (ys[high]! - ys[low]!);
}

interface Tables {
  readonly cuts: readonly number[];
  readonly shares: readonly number[];
  readonly backCuts: readonly number[];
  readonly backShares: readonly number[];
}

const tables = new WeakMap<object, Tables>();

function tablesOf(state: { cuts: number[] }): Tables {
  let made = tables.get(state);
  if (made === undefined) {
    const { cuts } = state;
    const shares = cuts.map((_, at) => (cuts.length === 1 ? 0 : at / (cuts.length - 1)));
    made = { cuts, shares, backCuts: cuts.map((cut) => -cut).reverse(), backShares: shares.map((share) => -share).reverse() };
    tables.set(state, made);
  }
  return made;
}

/** The share of the train split below a value; of a value that it holds often, the middle of its shares. */
function shareOf(value: number, { cuts, shares, backCuts, backShares }: Tables): number {
  if (value === cuts[0]) return 0;
  if (value === cuts.at(-1)) return 1;
  return (interpolate(value, cuts, shares) - interpolate(-value, backCuts, backShares)) / 2;
}

export default defineNumberTransform<Config, { cuts: number[] }>({
  name: 'quantile',
  summary:
    'The place of a number among those of the train split, spread like a normal distribution (or evenly from 0 to 1): tails, outliers and any unit become harmless.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    default: {},
    description: 'Values by their rank.',
    properties: {
      output: {
        enum: ['normal', 'uniform'],
        default: DEFAULTS.output,
        description: 'A standard normal distribution, values beyond the train split at ±5.2; or shares from 0 to 1.',
      },
      quantiles: {
        type: 'integer',
        minimum: 2,
        maximum: 10_000,
        default: DEFAULTS.quantiles,
        description: 'Points that are kept of the distribution, at most one per row.',
      },
    },
    examples: [{ output: 'uniform' }],
  },
  examples: [
    { output: 'normal', quantiles: 1_000 },
    { output: 'uniform', quantiles: 100 },
  ],
  takes: ['number'],
  gives: () => 'number',
  resolve: (value) => withDefaults(DEFAULTS, value),
  fit: ({ quantiles }, { column, seed }) => {
    const sketch = new QuantileSketch(seed);
    return {
      add: (data) => sketch.addAll(finiteOf(data, column)),
      finish: () => {
        requireValues(sketch.count, column, 'its quantiles');
        const points = Math.max(1, Math.min(quantiles, sketch.count));
        const cuts = sketch.quantiles(Array.from({ length: points }, (_, at) => (points === 1 ? 0 : at / (points - 1))));
        // Interpolation may round a cut below the one before it.
        for (let at = 1; at < cuts.length; at += 1) cuts[at] = Math.max(cuts[at]!, cuts[at - 1]!);
        return { cuts };
      },
    };
  },
  each: ({ output }, state) => {
    const known = tablesOf(state);
    const constant = state.cuts[0] === state.cuts.at(-1);
    return (value) => {
      if (Number.isNaN(value)) return value;
      const share = constant
        ? value < state.cuts[0]!
          ? 0
          : value > state.cuts[0]!
            ? 1
            : 0.5
        : value <= state.cuts[0]!
          ? 0
          : value >= state.cuts.at(-1)!
            ? 1
            : shareOf(value, known);
      return output === 'uniform' ? share : Math.min(HIGHEST, Math.max(LOWEST, normalQuantile(share)));
    };
  },
  invert: (data, { output }, state) => {
    const { cuts, shares } = tablesOf(state);
    return mapNumbers(data, (value) => interpolate(output === 'uniform' ? value : normalShare(value), shares, cuts));
  },
  reference: 'scikit-learn QuantileTransformer(subsample=None)',
});
