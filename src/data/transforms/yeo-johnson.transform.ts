import { QuantileSketch } from '../table/quantiles.ts';
import { Moments, defineNumberTransform, finiteOf, isConstant, mapNumbers, requireValues, withDefaults } from './transform.ts';

interface Config {
  readonly standardize: boolean;
}

type State = { lambda: number; mean: number; std: number };

/** Values that λ is found from: its search goes over all of them dozens of times. */
const VALUES_MAX = 100_000;

/** @see Yeo and Johnson (2000): A new family of power transformations */
export function yeoJohnson(x: number, lambda: number): number {
  if (x >= 0) return Math.abs(lambda) < Number.EPSILON ? Math.log1p(x) : Math.expm1(lambda * Math.log1p(x)) / lambda;
  const mirrored = 2 - lambda;
  return Math.abs(mirrored) < Number.EPSILON ? -Math.log1p(-x) : -Math.expm1(mirrored * Math.log1p(-x)) / mirrored;
}

function turnedBack(y: number, lambda: number): number {
  // Beyond what any x can become stands the largest that is finite.
  const power = (base: number, exponent: number): number =>
    base <= 0 ? Number.MAX_VALUE : Math.min(Number.MAX_VALUE, Math.expm1(Math.log(base) / exponent));
  if (y >= 0) return Math.abs(lambda) < Number.EPSILON ? Math.expm1(y) : power(lambda * y + 1, lambda);
  const mirrored = 2 - lambda;
  return Math.abs(mirrored) < Number.EPSILON ? -Math.expm1(-y) : -power(-mirrored * y + 1, mirrored);
}

/** λ with the largest likelihood. */
function bestLambda(values: Float64Array): number {
  let constant = 0;
  for (const x of values) constant += Math.sign(x) * Math.log1p(Math.abs(x));
  const loss = (lambda: number): number => {
    const moments = new Moments();
    for (const x of values) moments.add(yeoJohnson(x, lambda));
    const variance = moments.std ** 2;
    if (!Number.isFinite(variance)) return Number.POSITIVE_INFINITY;
    return (values.length / 2) * Math.log(Math.max(variance, Number.MIN_VALUE)) - (lambda - 1) * constant;
  };
  return goldenSection(loss, -8, 10);
}

/** Where a function with one valley is lowest, to about 1e-8. */
function goldenSection(of: (x: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [from, to];
  let [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [atLeft, atRight] = [of(left), of(right)];
  while (high - low > 1e-8) {
    if (atLeft <= atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - ratio * (high - low);
      atLeft = of(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + ratio * (high - low);
      atRight = of(right);
    }
  }
  return (low + high) / 2;
}

export default defineNumberTransform<Config, State>({
  name: 'yeoJohnson',
  summary:
    'The power of the values whose distribution is nearest to a normal one, learnt from the train split, then standardized: for long tails on either side, also below 0.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    default: {},
    description: 'A power transform; it keeps the order of the values.',
    properties: {
      standardize: { type: 'boolean', default: true, description: 'Subtract the mean and divide by the standard deviation afterwards.' },
    },
    examples: [{ standardize: false }],
  },
  examples: [{ standardize: true }, { standardize: false }],
  takes: ['number'],
  gives: () => 'number',
  resolve: (value) => withDefaults<Config>({ standardize: true }, value),
  fit: ({ standardize }, { column, seed }) => {
    const sketch = new QuantileSketch(seed, VALUES_MAX);
    const raw = new Moments();
    return {
      add: (data) => {
        const values = finiteOf(data, column);
        sketch.addAll(values);
        raw.addAll(values);
      },
      finish: () => {
        requireValues(raw.count, column, 'its power');
        const values = sketch.sorted();
        // Of a constant column every power is as good.
        const lambda = isConstant(raw.count, raw.mean, raw.std) ? 1 : bestLambda(values);
        const moments = new Moments();
        for (const x of values) moments.add(yeoJohnson(x, lambda));
        return { lambda, ...(standardize ? { mean: moments.mean, std: moments.scale } : { mean: 0, std: 1 }) };
      },
    };
  },
  each:
    (_config, { lambda, mean, std }) =>
    (value) =>
      (yeoJohnson(value, lambda) - mean) / std,
  invert: (data, _config, { lambda, mean, std }) => mapNumbers(data, (value) => turnedBack(value * std + mean, lambda)),
  reference: 'scikit-learn PowerTransformer(method="yeo-johnson")',
});
