import { attend, attendJoined, joinHeads, splitHeads } from './shared/attention.ts';
import { rolesOf, sequencesOf } from './shared/attention-inputs.ts';
import { affine } from './shared/affine.ts';
import type { InitializerName } from './initializers.ts';
import { defineLayer } from './layer.ts';
import type { CallContext, WeightSpec } from './layer.ts';
import { multiHeadAttentionMapping } from '../keras/multi-head-attention.ts';
import { bool, initializer, integer, rate } from '../model/schema-parts.ts';
import { mayUseOwnOperations } from '../tensorflow/own-operations.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

interface Config {
  readonly numHeads: number;
  readonly keyDim: number;
  readonly valueDim?: number;
  readonly outputDim?: number;
  readonly useBias: boolean;
  readonly causal: boolean;
  readonly dropout: number;
  readonly kernelInitializer: InitializerName;
}

type Weights = Readonly<Record<string, Tensor>>;

const valueDim = (config: Config): number => config.valueDim ?? config.keyDim;

/** A kernel whose heads lie side by side, [features, heads · size]. */
function flatKernel(tf: Tf, kernel: Tensor): Tensor {
  const [features, heads, size] = kernel.shape as [number, number, number];
  return tf.reshape(kernel, [features, heads * size]);
}

function project(tf: Tf, x: Tensor, kernel: Tensor, bias: Tensor | undefined): Tensor {
  return affine(tf, tf.reshape(x, [-1, x.shape.at(-1)!]), kernel, bias === undefined ? undefined : tf.reshape(bias, [-1]));
}

/** Weights of the queries, divided by the root of their size. */
function scaledQuery(tf: Tf, weights: Weights, config: Config): { readonly kernel: Tensor; readonly bias: Tensor | undefined } {
  const scale = 1 / Math.sqrt(config.keyDim);
  const { queryKernel, queryBias } = weights;
  return { kernel: tf.mul(queryKernel!, scale), bias: queryBias === undefined ? undefined : tf.mul(queryBias, scale) };
}

/** Whether queries, keys and values are made of one sequence, and are of one size. */
const isJoined = (inputs: readonly Tensor[], config: Config): boolean => new Set(inputs).size === 1 && valueDim(config) === config.keyDim;

/** Queries, keys and values of one sequence by one product, side by side: [batch · steps, 3 · heads · size]. */
function joinedProjections(tf: Tf, x: Tensor, weights: Weights, config: Config): Tensor {
  const query = scaledQuery(tf, weights, config);
  const kernel = tf.concat(
    [query.kernel, weights.keyKernel!, weights.valueKernel!].map((each) => flatKernel(tf, each)),
    1,
  );
  const bias =
    query.bias === undefined
      ? undefined
      : tf.concat([query.bias, weights.keyBias!, weights.valueBias!].map((each) => tf.reshape(each, [-1])));
  return project(tf, x, kernel, bias);
}

/** Queries, keys and values, each [heads, batch · steps, size]; the queries divided by the root of their size. */
function projections(tf: Tf, inputs: readonly Tensor[], weights: Weights, config: Config): readonly [Tensor, Tensor, Tensor] {
  const [query, value, key] = rolesOf(inputs);
  // One product and one transposition for all three.
  if (isJoined(inputs, config))
    return tf.split(splitHeads(tf, joinedProjections(tf, query, weights, config), 3 * config.numHeads), 3, 0) as [Tensor, Tensor, Tensor];
  const { kernel: queryKernel, bias: queryBias } = scaledQuery(tf, weights, config);
  return [
    splitHeads(tf, project(tf, query, flatKernel(tf, queryKernel), queryBias), config.numHeads),
    splitHeads(tf, project(tf, key, flatKernel(tf, weights.keyKernel!), weights.keyBias), config.numHeads),
    splitHeads(tf, project(tf, value, flatKernel(tf, weights.valueKernel!), weights.valueBias), config.numHeads),
  ];
}

/** A. Vaswani et al.: Attention Is All You Need (2017). Weights in Keras's layout. */
export default defineLayer<Config>({
  type: 'multiHeadAttention',
  summary:
    'Each step of a sequence takes up a weighted mean of the steps that are most like it, in several heads. One input attends to itself; of two, the first asks the second; a third gives the keys.',
  keras: multiHeadAttentionMapping,
  properties: {
    numHeads: integer('Number of heads.', undefined, 4),
    keyDim: integer('Length of the queries and keys of a head.', undefined, 16),
    valueDim: integer('Length of the values of a head. Default: keyDim.', undefined, 16),
    outputDim: integer('Number of output features. Default: those of the first input.', undefined, 64),
    useBias: bool('Add biases to queries, keys, values and output.', true),
    causal: bool('A step sees itself and earlier steps only.', false),
    dropout: rate('Share of the attention weights set to zero.', 0),
    kernelInitializer: initializer('glorotUniform'),
  },
  required: ['numHeads', 'keyDim'],
  inputsMax: 3,
  outputShape(inputs, config) {
    const [query] = sequencesOf(inputs, 'a multiHeadAttention layer');
    return [query[0]!, config.outputDim ?? query[1]!];
  },
  weights(inputs, config) {
    const [query, value, key] = rolesOf(inputs);
    const { numHeads, keyDim, useBias, kernelInitializer: kernel } = config;
    const projection = (name: string, features: number, size: number): WeightSpec[] => [
      { name: `${name}Kernel`, shape: [features, numHeads, size], initializer: kernel, trainable: true },
      ...(useBias ? [{ name: `${name}Bias`, shape: [numHeads, size], initializer: 'zeros' as const, trainable: true }] : []),
    ];
    const features = config.outputDim ?? query.at(-1)!;
    return [
      ...projection('query', query.at(-1)!, keyDim),
      ...projection('key', key.at(-1)!, keyDim),
      ...projection('value', value.at(-1)!, valueDim(config)),
      { name: 'outputKernel', shape: [numHeads, valueDim(config), features], initializer: kernel, trainable: true },
      ...(useBias ? [{ name: 'outputBias', shape: [features], initializer: 'zeros' as const, trainable: true }] : []),
    ];
  },
  call(tf, inputs, weights, config, context) {
    const [query, value] = rolesOf(inputs);
    const [batch, steps] = query.shape as [number, number];
    const mask = keyMask(tf, context, inputs.length);
    const drops = context.training && config.dropout > 0;
    let mixed: Tensor;
    if (isJoined(inputs, config) && !drops && mayUseOwnOperations(tf)) {
      const sizes = { batch, heads: config.numHeads, steps };
      mixed = attendJoined(tf, joinedProjections(tf, query, weights, config), sizes, { causal: config.causal, mask });
    } else {
      const [queries, keys, values] = projections(tf, inputs, weights, config);
      const sizes = { batch, heads: config.numHeads, steps, sources: value.shape[1]! };
      const options = { causal: config.causal, dropout: config.dropout, mask };
      mixed = joinHeads(tf, attend(tf, queries, keys, values, sizes, options, context));
    }
    const [heads, size, features] = weights.outputKernel!.shape as [number, number, number];
    const output = affine(tf, mixed, tf.reshape(weights.outputKernel!, [heads * size, features]), weights.outputBias);
    return tf.reshape(output, [batch, steps, features]);
  },
  examples: [
    { inputs: [[5, 6]], config: { numHeads: 2, keyDim: 3, useBias: true, causal: false, dropout: 0, kernelInitializer: 'glorotUniform' } },
    {
      inputs: [[5, 6]],
      config: { numHeads: 2, keyDim: 3, valueDim: 2, useBias: false, causal: true, dropout: 0.2, kernelInitializer: 'glorotUniform' },
    },
    {
      inputs: [
        [4, 6],
        [5, 3],
        [5, 2],
      ],
      config: {
        numHeads: 2,
        keyDim: 3,
        valueDim: 4,
        outputDim: 5,
        useBias: true,
        causal: false,
        dropout: 0,
        kernelInitializer: 'glorotUniform',
      },
    },
  ],
  mask: (_tf, _inputs, _config, [mask]) => mask,
});

/** Which steps may be looked at: those that values and keys both have. */
function keyMask(tf: Tf, { masks }: CallContext, inputs: number): Tensor | undefined {
  const [, value, key] = rolesOf(masks.slice(0, inputs));
  if (value === undefined || key === undefined || value === key) return value ?? key;
  return tf.mul(value, key);
}
