import type { JsonSchema } from '../../core/json.ts';
import { ofEach } from './shared/plain.ts';
import type { PlainActivation } from './shared/plain.ts';
import { withoutGradient } from '../tensorflow/gradients.ts';
import { nameAndConfig, withDefaults } from '../model/named.ts';
import { number } from '../model/schema-parts.ts';
import { shapeError, showShape } from './shapes.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

/** A function of every value, or of every vector along the last axis. Twice differentiable wherever the function is. */
export interface ActivationDefinition {
  readonly name: ActivationName;
  readonly summary: string;
  readonly configSchema: JsonSchema;
  call(tf: Tf, x: Tensor, config: any): Tensor;
  /** The same of the values along the last axis, without the library; left out where that takes it. */
  plain?(config: any): PlainActivation;
}

interface Parts<C> {
  readonly summary: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly (keyof C & string)[];
  call(tf: Tf, x: Tensor, config: C): Tensor;
  plain?(config: C): PlainActivation;
}

const define = <C = Record<string, never>>(parts: Parts<C>): Parts<C> => parts;

const positive = { exclusiveMinimum: 0 };
const notNegative = { minimum: 0 };

/** By Keras's names in camel case, with Keras 3's constants and defaults. */
const ACTIVATIONS = {
  linear: define({ summary: 'x itself.', call: (_tf, x) => x, plain: () => () => undefined }),
  relu: define<{ negativeSlope: number; maxValue?: number; threshold: number }>({
    summary: 'max(0, x); with its settings, cut at a maximum, zero below a threshold, or falling with a slope there.',
    properties: {
      negativeSlope: number('Slope below the threshold.', 0, 0.1, notNegative),
      maxValue: number('Largest value.', undefined, 6, notNegative),
      threshold: number('Values up to it become 0, or lie on the slope.', 0, 0.5, notNegative),
    },
    call: rectified,
    plain: plainlyRectified,
  }),
  relu6: define({
    summary: 'max(0, x), cut at 6.',
    call: (tf, x) => tf.relu6(x),
    plain: () => ofEach((x) => Math.min(Math.max(x, 0), 6)),
  }),
  leakyRelu: define<{ negativeSlope: number }>({
    summary: 'x above 0, a small slope below.',
    properties: { negativeSlope: number('Slope below 0.', 0.2, 0.3, notNegative) },
    call: (tf, x, { negativeSlope }) => tf.leakyRelu(x, negativeSlope),
    plain: ({ negativeSlope }) => ofEach((x) => (x > 0 ? x : negativeSlope * x)),
  }),
  elu: define<{ alpha: number }>({
    summary: 'x above 0, alpha · (exp(x) − 1) below.',
    properties: { alpha: number('Limit towards minus infinity, without its sign.', 1, 0.5, notNegative) },
    call: (tf, x, { alpha }) => (alpha === 1 ? tf.elu(x) : tf.add(tf.relu(x), tf.mul(tf.elu(tf.minimum(x, 0)), alpha))),
    plain: ({ alpha }) => ofEach((x) => (x > 0 ? x : alpha * Math.expm1(x))),
  }),
  selu: define({
    summary: 'Scaled elu: keeps mean 0 and variance 1 through dense layers with lecunNormal weights.',
    call: (tf, x) => tf.selu(x),
    plain: () => ofEach((x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x))),
  }),
  celu: define<{ alpha: number }>({
    summary: 'max(0, x) + alpha · (exp(min(0, x) / alpha) − 1).',
    properties: { alpha: number('Limit towards minus infinity, without its sign.', 1, 0.5, positive) },
    call: (tf, x, { alpha }) => tf.add(tf.relu(x), tf.mul(tf.elu(tf.div(tf.minimum(x, 0), alpha)), alpha)),
  }),
  gelu: define<{ approximate: boolean }>({
    summary: 'x · Φ(x), Φ being the normal distribution function.',
    properties: { approximate: { type: 'boolean', default: false, description: 'Take Φ from tanh.', examples: [true] } },
    call: gelu,
  }),
  glu: define({ summary: 'The first half of the last axis times the sigmoid of the second: gives half as many values.', call: gated }),
  sigmoid: define({ summary: '1 / (1 + exp(−x)).', call: (tf, x) => tf.sigmoid(x), plain: () => ofEach(logistic) }),
  hardSigmoid: define({ summary: 'x / 6 + 0.5, cut at 0 and 1.', call: (tf, x) => tf.clipByValue(tf.add(tf.div(x, 6), 0.5), 0, 1) }),
  hardSigmoidV2: define({
    summary: '0.2 · x + 0.5, cut at 0 and 1: the hard sigmoid of Keras 2 and TF.js.',
    call: (tf, x) => tf.clipByValue(tf.add(tf.mul(x, 0.2), 0.5), 0, 1),
  }),
  logSigmoid: define({ summary: 'log(1 / (1 + exp(−x))).', call: (tf, x) => tf.neg(tf.softplus(tf.neg(x))) }),
  sparseSigmoid: define({ summary: '(x + 1) / 2, cut at 0 and 1.', call: (tf, x) => tf.clipByValue(tf.div(tf.add(x, 1), 2), 0, 1) }),
  tanh: define({ summary: 'Hyperbolic tangent.', call: (tf, x) => tf.tanh(x), plain: () => ofEach(Math.tanh) }),
  hardTanh: define({ summary: 'x, cut at −1 and 1.', call: (tf, x) => tf.clipByValue(x, -1, 1) }),
  tanhShrink: define({ summary: 'x − tanh(x).', call: (tf, x) => tf.sub(x, tf.tanh(x)) }),
  softmax: define({
    summary: 'exp(x), scaled to the sum 1 over the last axis.',
    call: (tf, x) => tf.softmax(x),
    plain: () => shares,
  }),
  logSoftmax: define({ summary: 'Logarithm of softmax.', call: (tf, x) => tf.logSoftmax(x) }),
  sparsemax: define({ summary: 'The nearest vector of shares (sum 1, none below 0), many of them exactly 0.', call: sparsemax }),
  softplus: define({
    summary: 'log(1 + exp(x)).',
    call: (tf, x) => tf.softplus(x),
    plain: () => ofEach((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  }),
  sparsePlus: define({
    summary: '0 up to −1, (x + 1)² / 4 up to 1, x above.',
    call: (tf, x) => tf.add(tf.relu(tf.sub(x, 1)), tf.div(tf.square(tf.clipByValue(tf.add(x, 1), 0, 2)), 4)),
  }),
  squareplus: define<{ b: number }>({
    summary: '(x + √(x² + b)) / 2.',
    properties: { b: number('Smoothness.', 4, 1, positive) },
    call: (tf, x, { b }) => tf.div(tf.add(x, tf.sqrt(tf.add(tf.square(x), b))), 2),
  }),
  softsign: define({ summary: 'x / (1 + |x|).', call: (tf, x) => tf.div(x, tf.add(tf.abs(x), 1)) }),
  softShrink: define<{ threshold: number }>({
    summary: 'x moved towards 0 by a threshold, 0 within it.',
    properties: { threshold: number('Distance.', 0.5, 0.1, notNegative) },
    call: (tf, x, { threshold }) => tf.sub(tf.relu(tf.sub(x, threshold)), tf.relu(tf.sub(tf.neg(x), threshold))),
  }),
  hardShrink: define<{ threshold: number }>({
    summary: 'x, but 0 within a threshold.',
    properties: { threshold: number('Values up to this size become 0.', 0.5, 0.1, notNegative) },
    call: (tf, x, { threshold }) => tf.mul(x, above(tf, tf.abs(x), threshold)),
  }),
  threshold: define<{ threshold: number; value: number }>({
    summary: 'x above a threshold, a fixed value otherwise.',
    properties: {
      threshold: number('Values up to it are replaced.', undefined, 0.5),
      value: number('What stands in their place.', undefined, 0),
    },
    required: ['threshold', 'value'],
    call: (tf, x, { threshold, value }) => replaced(tf, x, above(tf, x, threshold), value),
  }),
  silu: define({
    summary: 'x · sigmoid(x), also called swish.',
    call: (tf, x) => tf.mul(x, tf.sigmoid(x)),
    plain: () => ofEach((x) => x * logistic(x)),
  }),
  hardSilu: define({
    summary: 'x · hardSigmoid(x), also called hard swish.',
    call: (tf, x) => tf.mul(x, tf.clipByValue(tf.add(tf.div(x, 6), 0.5), 0, 1)),
  }),
  mish: define({ summary: 'x · tanh(softplus(x)).', call: (tf, x) => tf.mul(x, tf.tanh(tf.softplus(x))) }),
  exponential: define({ summary: 'exp(x).', call: (tf, x) => tf.exp(x), plain: () => ofEach(Math.exp) }),
} as const;

export type ActivationName = keyof typeof ACTIVATIONS;
export const ACTIVATION_NAMES = Object.keys(ACTIVATIONS) as ActivationName[];

/** A name, or an object with one key, the name, and the settings of the function. */
export type Activation = ActivationName | { readonly [Name in ActivationName]?: Readonly<Record<string, unknown>> };

export const activations: readonly ActivationDefinition[] = ACTIVATION_NAMES.map((name) => {
  const { summary, properties = {}, required, call, plain } = ACTIVATIONS[name] as Parts<any>;
  return {
    name,
    summary,
    call,
    ...(plain === undefined ? {} : { plain }),
    configSchema: {
      type: 'object',
      description: summary,
      additionalProperties: false,
      properties,
      ...(required === undefined ? {} : { required: [...required] }),
    },
  };
});

const byName: ReadonlyMap<string, ActivationDefinition> = new Map(activations.map((definition) => [definition.name, definition]));

/** The name alone, also of an activation with settings. */
export function activationName(activation: Activation): string {
  return typeof activation === 'string' ? activation : Object.keys(activation)[0]!;
}

export function activate(tf: Tf, x: Tensor, activation: Activation): Tensor {
  const [name, settings] = nameAndConfig('activation', activation);
  const { call, configSchema } = byName.get(name)!;
  return call(tf, x, withDefaults(configSchema, settings));
}

/** The activation without the library, of the values along the last axis; undefined where it takes it. */
export function plainActivation(activation: Activation): PlainActivation | undefined {
  const [name, settings] = nameAndConfig('activation', activation);
  const { plain, configSchema } = byName.get(name)!;
  return plain?.(withDefaults(configSchema, settings));
}

/** Shape of an example after the activation. @throws SHAPE_MISMATCH where it cannot be halved */
export function activatedShape(shape: readonly number[], activation: Activation): readonly number[] {
  if (activationName(activation) !== 'glu') return shape;
  const last = shape.at(-1) ?? 0;
  if (last % 2 !== 0 || last === 0)
    throw shapeError(
      `the activation glu halves the last axis, but it is given ${showShape(shape)}`,
      'Give the layer an even number of outputs.',
    );
  return [...shape.slice(0, -1), last / 2];
}

/** @throws SHAPE_MISMATCH where the activation changes the shape inside of a layer that cannot follow */
export function requireShapeKept(layer: string, ...chosen: readonly (Activation | undefined)[]): void {
  if (chosen.some((each) => each !== undefined && activationName(each) === 'glu')) {
    throw shapeError(
      `${layer} cannot use the activation glu, which gives half as many values as it reads`,
      'Use another activation, or put { "type": "activation", "activation": "glu" } after it.',
    );
  }
}

/** 1 above the threshold, else 0: flat. */
function above(tf: Tf, x: Tensor, threshold: number): Tensor {
  return withoutGradient(tf, () => tf.cast(tf.greater(x, threshold), 'float32'));
}

function replaced(tf: Tf, x: Tensor, kept: Tensor, value: number): Tensor {
  const values = tf.mul(x, kept);
  return value === 0 ? values : tf.add(values, tf.mul(tf.sub(1, kept), value));
}

/** Keras's order of threshold, maximum and slope. */
function rectified(
  tf: Tf,
  x: Tensor,
  { negativeSlope, maxValue, threshold }: { negativeSlope: number; maxValue?: number; threshold: number },
): Tensor {
  if (negativeSlope !== 0 && maxValue === undefined && threshold === 0) return tf.leakyRelu(x, negativeSlope);
  const kept = threshold === 0 ? tf.relu(x) : tf.mul(x, above(tf, x, threshold));
  const cut = maxValue === undefined ? kept : tf.clipByValue(kept, 0, maxValue);
  return negativeSlope === 0 ? cut : tf.sub(cut, tf.mul(tf.relu(tf.sub(threshold, x)), negativeSlope));
}

/** By Klambauer and others, 2017. */
const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

function plainlyRectified({
  negativeSlope,
  maxValue = Number.POSITIVE_INFINITY,
  threshold,
}: {
  negativeSlope: number;
  maxValue?: number;
  threshold: number;
}): PlainActivation {
  if (negativeSlope === 0 && threshold === 0 && maxValue === Number.POSITIVE_INFINITY)
    return (values) => {
      for (let at = 0; at < values.length; at += 1) if (values[at]! < 0) values[at] = 0;
    };
  return ofEach((x) => (x <= threshold ? negativeSlope * (x - threshold) : Math.min(Math.max(x, 0), maxValue)));
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

function shares(values: Float64Array, width: number): void {
  for (let start = 0; start < values.length; start += width) {
    const end = start + width;
    let most = Number.NEGATIVE_INFINITY;
    for (let at = start; at < end; at += 1) if (values[at]! > most) most = values[at]!;
    let sum = 0;
    for (let at = start; at < end; at += 1) sum += values[at] = Math.exp(values[at]! - most);
    for (let at = start; at < end; at += 1) values[at] = values[at]! / sum;
  }
}

function gelu(tf: Tf, x: Tensor, { approximate }: { approximate: boolean }): Tensor {
  if (!approximate) return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1));
  const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

function gated(tf: Tf, x: Tensor): Tensor {
  const [values, gates] = tf.split(x, 2, x.rank - 1) as [Tensor, Tensor];
  return tf.mul(values, tf.sigmoid(gates));
}

/** Martins and Astudillo, 2016. The gradient is that of a projection: it keeps to the values above 0, and to the sum. */
function sparsemax(tf: Tf, x: Tensor): Tensor {
  const width = x.shape.at(-1)!;
  const project = tf.customGrad((...args: unknown[]) => {
    const [values, save] = args as [Tensor, (tensors: Tensor[]) => void];
    const sorted = tf.topk(values, width).values;
    const places = tf.range(1, width + 1, 1, 'float32');
    const kept = tf.cast(tf.greater(tf.add(tf.mul(sorted, places), 1), tf.cumsum(sorted, -1)), 'float32');
    const threshold = tf.div(tf.sub(tf.sum(tf.mul(sorted, kept), -1, true), 1), tf.sum(kept, -1, true));
    const value = tf.relu(tf.sub(values, threshold));
    save([value]);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const support = tf.cast(tf.greater(saved[0]!, 0), 'float32');
        const mean = tf.div(tf.sum(tf.mul(dy, support), -1, true), tf.sum(support, -1, true));
        return tf.mul(tf.sub(dy, mean), support);
      },
    };
  });
  return project(x);
}
