import type { JsonSchema } from '../../core/json.ts';
import type { Prng } from '../../core/prng.ts';
import { nameAndConfig, withDefaults } from '../model/named.ts';
import { number } from '../model/schema-parts.ts';
import { shapeError, showShape } from './shapes.ts';

/** A distribution of initial weights. */
export interface InitializerDefinition {
  readonly name: InitializerName;
  readonly summary: string;
  readonly configSchema: JsonSchema;
  /** Number of axes that it needs: at least (orthogonal), or exactly (identity). */
  readonly axes?: { readonly atLeast: number; readonly atMost: number };
  fill(shape: readonly number[], prng: Prng, config: any): Float32Array;
}

interface Parts<C> extends Pick<InitializerDefinition, 'summary' | 'axes'> {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  fill(shape: readonly number[], prng: Prng, config: C): Float32Array;
}

type Mode = 'fanIn' | 'fanOut' | 'fanAvg';
type Distribution = 'truncatedNormal' | 'untruncatedNormal' | 'uniform';

const define = <C = Record<string, never>>(parts: Parts<C>): Parts<C> => parts;

const normalProperties = { mean: number('Mean.', 0, 0.1), stddev: number('Standard deviation.', 0.05, 0.02, { minimum: 0 }) };
const uniformProperties = { minval: number('Smallest value.', -0.05, -0.1), maxval: number('Largest value.', 0.05, 0.1) };
const gain = number('Factor.', 1, 1.414);

const scaling = (summary: string, scale: number, mode: Mode, distribution: Distribution): Parts<Record<string, never>> =>
  define({
    summary,
    fill: (shape, prng) => varianceScaling(shape, prng, { scale, mode, distribution }),
  });

/** By Keras's names in camel case, with Keras 3's defaults. All are functions of a keyed generator: no weight depends on another's draw. */
const INITIALIZERS = {
  zeros: define({ summary: '0.', fill: (shape) => empty(shape) }),
  ones: define({ summary: '1.', fill: (shape) => empty(shape).fill(1) }),
  constant: define<{ value: number }>({
    summary: 'One value.',
    properties: { value: number('The value.', 0, 0.5) },
    fill: (shape, _prng, { value }) => empty(shape).fill(value),
  }),
  randomNormal: define<NormalConfig>({ summary: 'Normal.', properties: normalProperties, fill: normal }),
  randomUniform: define<UniformConfig>({ summary: 'Uniform.', properties: uniformProperties, fill: uniform }),
  truncatedNormal: define<NormalConfig>({
    summary: 'Normal, drawn anew beyond two standard deviations.',
    properties: normalProperties,
    fill: truncated,
  }),
  varianceScaling: define<ScalingConfig>({
    summary: 'Variance in inverse proportion to the number of inputs, of outputs, or of their average.',
    properties: {
      scale: number('Factor of the variance.', 1, 2, { exclusiveMinimum: 0 }),
      mode: {
        enum: ['fanIn', 'fanOut', 'fanAvg'],
        default: 'fanIn',
        description: 'What the variance is divided by: number of inputs, of outputs, or their average.',
        examples: ['fanOut'],
      },
      distribution: {
        enum: ['truncatedNormal', 'untruncatedNormal', 'uniform'],
        default: 'truncatedNormal',
        description: 'Kind of the distribution.',
        examples: ['uniform'],
      },
    },
    fill: varianceScaling,
  }),
  glorotUniform: scaling('Uniform with the variance 2 / (inputs + outputs).', 1, 'fanAvg', 'uniform'),
  glorotNormal: scaling('Normal, cut at two deviations, with the variance 2 / (inputs + outputs).', 1, 'fanAvg', 'truncatedNormal'),
  heUniform: scaling('Uniform with the variance 2 / inputs, for relu.', 2, 'fanIn', 'uniform'),
  heNormal: scaling('Normal, cut at two deviations, with the variance 2 / inputs, for relu.', 2, 'fanIn', 'truncatedNormal'),
  lecunUniform: scaling('Uniform with the variance 1 / inputs.', 1, 'fanIn', 'uniform'),
  lecunNormal: scaling('Normal, cut at two deviations, with the variance 1 / inputs, for selu.', 1, 'fanIn', 'truncatedNormal'),
  orthogonal: define<{ gain: number }>({
    summary: 'Orthonormal rows or columns, whichever are fewer.',
    properties: { gain },
    axes: { atLeast: 2, atMost: 8 },
    fill: orthogonal,
  }),
  identity: define<{ gain: number }>({
    summary: '1 on the diagonal of a matrix, 0 elsewhere.',
    properties: { gain },
    axes: { atLeast: 2, atMost: 2 },
    fill: identity,
  }),
  uniform: define<UniformConfig>({ summary: 'Short for randomUniform.', properties: uniformProperties, fill: uniform }),
  normal: define<NormalConfig>({ summary: 'Short for randomNormal.', properties: normalProperties, fill: normal }),
} as const;

export type InitializerName = keyof typeof INITIALIZERS;
export const INITIALIZER_NAMES = Object.keys(INITIALIZERS) as InitializerName[];

/** A name, or an object with one key, the name, and the settings of the distribution. */
export type Initialization = InitializerName | { readonly [Name in InitializerName]?: Readonly<Record<string, unknown>> };

/** What a weight starts from: declared, or a layer's own. */
export type Initializer = Initialization | ((shape: readonly number[], prng: Prng) => Float32Array);

export const initializers: readonly InitializerDefinition[] = INITIALIZER_NAMES.map((name) => {
  const { summary, properties = {}, axes, fill } = INITIALIZERS[name] as Parts<any>;
  return {
    name,
    summary,
    fill,
    configSchema: { type: 'object', description: summary, additionalProperties: false, properties },
    ...(axes === undefined ? {} : { axes }),
  };
});

const byName: ReadonlyMap<string, InitializerDefinition> = new Map(initializers.map((definition) => [definition.name, definition]));

/** @param shape of the weight; the fans are its last two axes times the receptive field, as in Keras */
export function initialize(initializer: Initializer, shape: readonly number[], prng: Prng): Float32Array {
  if (typeof initializer === 'function') return initializer(shape, prng);
  const [name, settings] = nameAndConfig('initializer', initializer);
  const { fill, configSchema } = byName.get(name)!;
  return fill(shape, prng, withDefaults(configSchema, settings));
}

/** @throws SHAPE_MISMATCH where the weight has too few or too many axes for its initializer */
export function checkInitializer(initializer: Initializer, shape: readonly number[], weight: string): void {
  if (typeof initializer === 'function') return;
  const [name] = nameAndConfig('initializer', initializer);
  const axes = byName.get(name)!.axes;
  if (axes === undefined || (shape.length >= axes.atLeast && shape.length <= axes.atMost)) return;
  const needed = axes.atMost === axes.atLeast ? `exactly ${axes.atLeast}` : `at least ${axes.atLeast}`;
  throw shapeError(
    `the initializer ${name} needs a weight of ${needed} axes, but "${weight}" has the shape ${showShape(shape)}`,
    'Use another initializer, e.g. "glorotUniform".',
  );
}

interface NormalConfig {
  readonly mean: number;
  readonly stddev: number;
}

interface UniformConfig {
  readonly minval: number;
  readonly maxval: number;
}

interface ScalingConfig {
  readonly scale: number;
  readonly mode: Mode;
  readonly distribution: Distribution;
}

/** Standard deviation of a standard normal distribution cut at two deviations. */
const TRUNCATED_STD = 0.87962566103423978;

function empty(shape: readonly number[]): Float32Array {
  return new Float32Array(shape.reduce((size, axis) => size * axis, 1));
}

function normal(shape: readonly number[], prng: Prng, { mean, stddev }: NormalConfig): Float32Array {
  return empty(shape).map(() => mean + stddev * prng.normal());
}

function uniform(shape: readonly number[], prng: Prng, { minval, maxval }: UniformConfig): Float32Array {
  return empty(shape).map(() => minval + (maxval - minval) * prng.uniform());
}

function truncated(shape: readonly number[], prng: Prng, { mean, stddev }: NormalConfig): Float32Array {
  return empty(shape).map(() => {
    let draw = prng.normal();
    while (Math.abs(draw) > 2) draw = prng.normal();
    return mean + draw * stddev;
  });
}

function varianceScaling(shape: readonly number[], prng: Prng, { scale, mode, distribution }: ScalingConfig): Float32Array {
  const [fanIn, fanOut] = fans(shape);
  const variance = scale / Math.max(1, mode === 'fanIn' ? fanIn : mode === 'fanOut' ? fanOut : (fanIn + fanOut) / 2);
  if (distribution === 'uniform') return uniform(shape, prng, { minval: -Math.sqrt(3 * variance), maxval: Math.sqrt(3 * variance) });
  if (distribution === 'untruncatedNormal') return normal(shape, prng, { mean: 0, stddev: Math.sqrt(variance) });
  return truncated(shape, prng, { mean: 0, stddev: Math.sqrt(variance) / TRUNCATED_STD });
}

function fans(shape: readonly number[]): [number, number] {
  if (shape.length === 0) return [1, 1];
  if (shape.length === 1) return [shape[0]!, shape[0]!];
  const field = shape.slice(0, -2).reduce((size, axis) => size * axis, 1);
  return [shape.at(-2)! * field, shape.at(-1)! * field];
}

/** Modified Gram-Schmidt, twice, over normal draws. */
function orthogonal(shape: readonly number[], prng: Prng, config: { readonly gain: number }): Float32Array {
  const values = empty(shape);
  const columns = shape.at(-1)!;
  const rows = values.length / columns;
  const count = Math.min(rows, columns);
  const length = Math.max(rows, columns);
  const basis: Float64Array[] = [];
  while (basis.length < count) {
    const vector = Float64Array.from({ length }, () => prng.normal());
    for (let pass = 0; pass < 2; pass++) for (const other of basis) subtractProjection(vector, other);
    const norm = Math.sqrt(dot(vector, vector));
    if (norm > 1e-8) basis.push(vector.map((value) => value / norm));
  }
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      values[row * columns + column] = config.gain * (rows >= columns ? basis[column]![row]! : basis[row]![column]!);
  }
  return values;
}

function subtractProjection(vector: Float64Array, unit: Float64Array): void {
  const along = dot(vector, unit);
  for (let index = 0; index < vector.length; index++) vector[index]! -= along * unit[index]!;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}

function identity(shape: readonly number[], _prng: Prng, config: { readonly gain: number }): Float32Array {
  const values = empty(shape);
  const columns = shape.at(-1)!;
  for (let place = 0; place < Math.min(shape[0]!, columns); place++) values[place * columns + place] = config.gain;
  return values;
}
