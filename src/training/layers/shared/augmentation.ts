import type { JsonSchema } from '../../../core/json.ts';
import type { CallContext } from '../layer.ts';
import type { Shape } from '../shapes.ts';
import { FILL_MODES, INTERPOLATIONS, projected } from './projective.ts';
import type { FillMode, Interpolation } from './projective.ts';
import { shapeError, requireRank, showShape } from '../shapes.ts';
import { statelessUniform } from '../../tensorflow/tf.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

/** A bound on both sides of 0, or [lowest, highest]. */
export type Factor = number | readonly [number, number];

export interface Filled {
  readonly fillMode: FillMode;
  readonly interpolation: Interpolation;
  readonly fillValue: number;
}

/** Keys of the layers that move pixels. */
export const filling: Readonly<Record<string, JsonSchema>> = {
  fillMode: {
    enum: [...FILL_MODES],
    default: 'reflect',
    examples: ['constant'],
    description: 'What stands beyond the borders: the image mirrored, "fillValue", its outermost pixels, or the image again.',
  },
  interpolation: {
    enum: [...INTERPOLATIONS],
    default: 'bilinear',
    examples: ['nearest'],
    description: 'Between four pixels, or the nearest one.',
  },
  fillValue: { type: 'number', default: 0, examples: [0.5], description: 'Value beyond the borders where "fillMode" is "constant".' },
};

/** @param bounds of both numbers, as JSON Schema says them */
export const factor = (description: string, example: Factor, bounds: JsonSchema, fallback?: number): JsonSchema => ({
  oneOf: [
    { type: 'number', ...bounds },
    { type: 'array', items: { type: 'number', ...bounds }, minItems: 2, maxItems: 2 },
  ],
  description,
  examples: [example as number],
  ...(fallback === undefined ? {} : { default: fallback }),
});

export const valueRange: JsonSchema = {
  type: 'array',
  items: { type: 'number' },
  minItems: 2,
  maxItems: 2,
  default: [0, 1],
  examples: [[0, 255]],
  description: 'Lowest and highest value of a pixel: [0, 1] after the transform "rescale". Results are cut to it.',
};

export type Range = readonly [number, number];

/** Both sides of a factor; one number stands for −number to number. */
export function rangeOf(given: Factor): Range {
  return typeof given === 'number' ? [-Math.abs(given), Math.abs(given)] : [Math.min(...given), Math.max(...given)];
}

/** A factor around 1: one number stands for 1 − number to 1 + number, two for 1 − first to 1 + second. */
export function aroundOne(given: Factor): Range {
  const [lower, upper] = typeof given === 'number' ? [given, given] : given;
  return [1 - lower, 1 + upper];
}

export function requireImages(inputs: readonly Shape[], layer: string): Shape {
  return requireRank(inputs, 3, `a ${layer} layer`);
}

/** @throws SHAPE_MISMATCH where the images are not red, green and blue */
export function requireColour(inputs: readonly Shape[], layer: string): Shape {
  const shape = requireImages(inputs, layer);
  if (shape[2] !== 3)
    throw shapeError(
      `a ${layer} layer reads images of three channels (red, green, blue), but its input has the shape ${showShape(shape)}`,
      'Leave it out for grey images.',
    );
  return shape;
}

/** Numbers in [0, 1), `count` per image, as tensors [rows, 1]. They follow from the context's seed alone. */
export function draws(tf: Tf, x: Tensor, count: number, context: CallContext): Tensor[] {
  const drawn = statelessUniform(tf, [x.shape[0], count], context.seed);
  return count === 1 ? [drawn] : tf.split(drawn, count, 1);
}

/** [0, 1) stretched over a range. */
export function spread(tf: Tf, drawn: Tensor, [low, high]: Range): Tensor {
  return low === high ? tf.fill(drawn.shape, low) : tf.add(tf.mul(drawn, high - low), low);
}

/** A number per image, against [rows, height, width, channels]. */
export function perImage(tf: Tf, values: Tensor): Tensor {
  return tf.reshape(values, [-1, 1, 1, 1]);
}

/** The images through affine maps that are given column by column, each [rows, 1] or a number. */
export function warped(tf: Tf, x: Tensor, columns: readonly (Tensor | number)[], filled: Filled): Tensor {
  const rows = x.shape[0];
  const maps = tf.concat(
    columns.map((column) => (typeof column === 'number' ? tf.fill([rows, 1], column) : column)),
    1,
  );
  return projected(tf, x, maps, { ...filled, size: [x.shape[1]!, x.shape[2]!] });
}

/** Values cut to a range. */
export function clipped(tf: Tf, x: Tensor, [low, high]: Range): Tensor {
  return tf.clipByValue(x, Math.min(low, high), Math.max(low, high));
}

/** 1 where two tensors are equal, else 0; no gradient passes. */
export function sameness(tf: Tf, a: Tensor, b: Tensor): Tensor {
  const compare = tf.customGrad((...given) => {
    const [left, right] = given as Tensor[];
    return { value: tf.cast(tf.equal(left!, right!), 'float32'), gradFunc: () => [tf.zeros(a.shape), tf.zeros(b.shape)] };
  });
  return compare(a, b);
}

/** a / b; where b is 0, a must be finite. */
export function shareOf(tf: Tf, a: Tensor, b: Tensor): Tensor {
  return tf.div(a, tf.add(b, sameness(tf, b, tf.zerosLike(b))));
}
