import type { JsonSchema } from '../core/json.ts';
import { ACTIVATION_NAMES } from './activations.ts';
import { INITIALIZER_NAMES } from './initializers.ts';

export const units = (description = 'Number of outputs.'): JsonSchema => ({ type: 'integer', minimum: 1, maximum: 65_536, description, examples: [32] });

export const activation = (fallback = 'linear'): JsonSchema => ({
  enum: ACTIVATION_NAMES, default: fallback, description: 'Activation function on the output of the layer.', examples: ['relu'],
});

export const initializer = (fallback: string): JsonSchema => ({
  enum: [...INITIALIZER_NAMES], default: fallback, description: 'Distribution of the initial weights.', examples: ['heNormal'],
});

export const regularizer: JsonSchema = {
  type: 'object', additionalProperties: false, minProperties: 1,
  description: 'Penalty on the weights that is added to the loss.',
  properties: {
    l1: { type: 'number', minimum: 0, description: 'Factor of the sum of absolute weights.', examples: [0.0001] },
    l2: { type: 'number', minimum: 0, description: 'Factor of the sum of squared weights.', examples: [0.0001] },
  },
  examples: [{ l2: 0.0001 }],
};

export const rate = (description: string, fallback?: number): JsonSchema => ({
  type: 'number', minimum: 0, exclusiveMaximum: 1, description, examples: [0.2], ...(fallback === undefined ? {} : { default: fallback }),
});

export const bool = (description: string, fallback: boolean): JsonSchema => ({ type: 'boolean', description, default: fallback, examples: [!fallback] });

export const integer = (description: string, fallback: number | undefined, example: number, minimum = 1): JsonSchema => ({
  type: 'integer', minimum, description, examples: [example], ...(fallback === undefined ? {} : { default: fallback }),
});

export const number = (description: string, fallback: number | undefined, example: number, bounds: JsonSchema = {}): JsonSchema => ({
  type: 'number', description, examples: [example], ...(fallback === undefined ? {} : { default: fallback }), ...bounds,
});

/** One number for both axes, or [height, width]. */
export const pair = (description: string, fallback: number | undefined, example: number): JsonSchema => ({
  oneOf: [
    { type: 'integer', minimum: 1 },
    { type: 'array', items: { type: 'integer', minimum: 1 }, minItems: 2, maxItems: 2 },
  ],
  description, examples: [example], ...(fallback === undefined ? {} : { default: fallback }),
});

export const padding = (causal = false): JsonSchema => ({
  enum: causal ? ['valid', 'same', 'causal'] : ['valid', 'same'], default: 'valid',
  description: `"valid": only full windows; "same": padded with zeros, so that stride 1 keeps the size${causal ? '; "causal": padded in front, so that no step sees a later one' : ''}.`,
  examples: ['same'],
});

export type Pair = number | readonly [number, number];

export function asPair(value: Pair): [number, number] {
  return typeof value === 'number' ? [value, value] : [value[0], value[1]];
}
