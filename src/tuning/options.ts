import type { JsonSchema } from '../core/json.ts';

/** Options of a sampler or a stopper: closed, each with its description and the value that it has by itself. */
export function optionsSchema(description: string, properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', additionalProperties: false, properties: { ...properties }, default: {}, description };
}

export function integerOption(description: string, minimum: number, fallback?: number, maximum?: number): JsonSchema {
  return {
    type: 'integer',
    minimum,
    ...(maximum === undefined ? {} : { maximum }),
    ...(fallback === undefined ? {} : { default: fallback }),
    description,
    examples: [fallback ?? minimum],
  };
}
