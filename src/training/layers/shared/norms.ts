import type { Axes } from './axes.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

/** Below it, a sum of squares is taken for 0: TensorFlow's bound. */
const SQUARES_MIN = 1e-12;

/** Vectors along `axes` scaled to the norm 1, or left at 0. */
export function unitNorm(tf: Tf, x: Tensor, axes: Axes, squaresMin = SQUARES_MIN): Tensor {
  return tf.mul(x, tf.rsqrt(tf.maximum(tf.sum(tf.square(x), axes as number | number[], true), squaresMin)));
}
