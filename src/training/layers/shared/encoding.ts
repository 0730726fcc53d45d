import type { Shape } from '../shapes.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

export type OutputMode = 'oneHot' | 'multiHot' | 'count';

/** Keras's shapes: one-hot vectors in place of a last axis of 1, or after the last axis; else one vector for the whole last axis. */
export function encodedShape(input: Shape, depth: number, mode: OutputMode): Shape {
  if (mode === 'oneHot' && input.at(-1) !== 1) return [...input, depth];
  return [...input.slice(0, -1), depth];
}

/** Of indices below `depth` (int32); others count nowhere. */
export function encoded(tf: Tf, indices: Tensor, depth: number, mode: OutputMode): Tensor {
  const shape = encodedShape(indices.shape.slice(1), depth, mode);
  const hot = tf.cast(tf.oneHot(tf.reshape(indices, [-1]) as import('@tensorflow/tfjs-node').Tensor1D, depth), 'float32');
  if (mode === 'oneHot') return tf.reshape(hot, [indices.shape[0], ...shape]);
  const each = tf.reshape(hot, [...indices.shape, depth]);
  return mode === 'count' ? tf.sum(each, indices.rank - 1) : tf.max(each, indices.rank - 1);
}
