import type { JsonSchema } from '../../core/json.ts';

export const units = (description = 'Number of outputs.'): JsonSchema => ({
  type: 'integer',
  minimum: 1,
  maximum: 65_536,
  description,
  examples: [32],
});

export const activation = (fallback = 'linear', description = 'Activation function on the output of the layer.'): JsonSchema => ({
  allOf: [{ $ref: '#/definitions/activation' }],
  default: fallback,
  description,
  examples: ['relu', { leakyRelu: { negativeSlope: 0.1 } }],
});

export const initializer = (fallback: string, description = 'Distribution of the initial weights.'): JsonSchema => ({
  allOf: [{ $ref: '#/definitions/initializer' }],
  default: fallback,
  description,
  examples: ['heNormal', { randomNormal: { stddev: 0.02 } }],
});

export const regularizer: JsonSchema = {
  allOf: [{ $ref: '#/definitions/regularizer' }],
  description: 'Penalty on the weights that is added to the loss.',
  examples: [{ l2: 0.0001 }],
};

export const constraint: JsonSchema = {
  allOf: [{ $ref: '#/definitions/constraint' }],
  description: 'What the weights are brought back to after every update.',
  examples: ['nonNeg', { maxNorm: { maxValue: 3 } }],
};

export const rate = (description: string, fallback?: number): JsonSchema => ({
  type: 'number',
  minimum: 0,
  exclusiveMaximum: 1,
  description,
  examples: [0.2],
  ...(fallback === undefined ? {} : { default: fallback }),
});

export const bool = (description: string, fallback: boolean): JsonSchema => ({
  type: 'boolean',
  description,
  default: fallback,
  examples: [!fallback],
});

export const integer = (description: string, fallback: number | undefined, example: number, minimum = 1): JsonSchema => ({
  type: 'integer',
  minimum,
  description,
  examples: [example],
  ...(fallback === undefined ? {} : { default: fallback }),
});

export const number = (description: string, fallback: number | undefined, example: number, bounds: JsonSchema = {}): JsonSchema => ({
  type: 'number',
  description,
  examples: [example],
  ...(fallback === undefined ? {} : { default: fallback }),
  ...bounds,
});

/** One number for all axes, or one per axis: [height, width] or [depth, height, width]. */
export const sizes = (rank: 1 | 2 | 3, description: string, fallback: number | undefined, example: number, minimum = 1): JsonSchema =>
  rank === 1
    ? integer(description, fallback, example, minimum)
    : {
        oneOf: [
          { type: 'integer', minimum },
          { type: 'array', items: { type: 'integer', minimum }, minItems: rank, maxItems: rank },
        ],
        description,
        examples: [example, Array.from({ length: rank }, () => example)],
        ...(fallback === undefined ? {} : { default: fallback }),
      };

/** One number for both axes, or [height, width]. */
export const pair = (description: string, fallback: number | undefined, example: number): JsonSchema =>
  sizes(2, description, fallback, example);

export const padding = (causal = false): JsonSchema => ({
  enum: causal ? ['valid', 'same', 'causal'] : ['valid', 'same'],
  default: 'valid',
  description: `"valid": only full windows; "same": padded with zeros, so that stride 1 keeps the size${causal ? '; "causal": padded in front, so that no step sees a later one' : ''}.`,
  examples: ['same'],
});

export type Pair = number | readonly [number, number];

export function asPair(value: Pair): [number, number] {
  return typeof value === 'number' ? [value, value] : [value[0], value[1]];
}

export type Sizes = number | readonly number[];

export function asSizes(value: Sizes, rank: number): number[] {
  return typeof value === 'number' ? Array.from({ length: rank }, () => value) : [...value];
}
