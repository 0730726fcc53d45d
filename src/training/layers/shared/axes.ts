import type { JsonSchema } from '../../../core/json.ts';
import type { Shape } from '../shapes.ts';
import { shapeError, showShape } from '../shapes.ts';

/** Axes as Keras counts them: 0 is the batch, 1 the first axis of an example, -1 the last. */
export type Axes = number | readonly number[];

const one: JsonSchema = { type: 'integer', minimum: -6, maximum: 6, not: { const: 0 } };

export const axesProperty = (description: string, fallback: Axes | undefined, example: Axes, many = true): JsonSchema => ({
  ...(many ? { oneOf: [one, { type: 'array', items: one, minItems: 1, maxItems: 5 }] } : one),
  description: `${description} Counted as in Keras: 0 is the batch, 1 the first axis of an example, -1 the last.`,
  examples: [example],
  ...(fallback === undefined ? {} : { default: fallback }),
});

/** The axes counted from 1, in ascending order. @throws SHAPE_MISMATCH */
export function resolveAxes(axes: Axes, shape: Shape, layer: string): number[] {
  const resolved = [axes].flat().map((axis) => (axis < 0 ? axis + shape.length + 1 : axis));
  const wrong = resolved.findIndex((axis) => axis < 1 || axis > shape.length);
  if (wrong >= 0)
    throw shapeError(
      `${layer} is told axis ${[axes].flat()[wrong]}, but its input has the shape ${showShape(shape)}`,
      `Give an axis from 1 to ${shape.length}; 0 is the batch.`,
    );
  return [...new Set(resolved)].sort((a, b) => a - b);
}

/** [batch, …] with 1 wherever a weight over `axes` does not reach. */
export function broadcastShape(shape: Shape, axes: readonly number[]): number[] {
  return [1, ...shape.map((length, index) => (axes.includes(index + 1) ? length : 1))];
}
