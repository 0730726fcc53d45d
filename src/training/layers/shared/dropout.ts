import type { CallContext } from '../layer.ts';
import { statelessUniform } from '../../tensorflow/tf.ts';
import type { Seed, Tensor, Tf } from '../../tensorflow/tf.ts';

/**
 * Inverted dropout with a mask that follows from the context's seed.
 *
 * @param shape of the mask, where it is broadcast (1 along the axes that drop together); default: of `x`
 */
export function dropped(tf: Tf, x: Tensor, rate: number, context: CallContext, shape: readonly number[] = x.shape): Tensor {
  return context.training && rate > 0 ? tf.mul(x, dropoutMask(tf, shape, rate, context.seed)) : x;
}

/** 0 with probability `rate`, else 1 / (1 − rate). */
export function dropoutMask(tf: Tf, shape: readonly number[], rate: number, seed: Seed): Tensor {
  const kept = tf.greaterEqual(statelessUniform(tf, shape, seed), rate);
  return tf.mul(tf.cast(kept, 'float32'), 1 / (1 - rate));
}
