import { runOwn } from '../../tensorflow/own-operations.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

interface Normalized {
  /** Mean 0 and variance 1 along the last axis. */
  readonly unit: Tensor;
  /** 1 / √(variance + epsilon) */
  readonly inverse: Tensor;
}

function normalized(tf: Tf, x: Tensor, epsilon: number): Normalized {
  const centered = tf.sub(x, tf.mean(x, -1, true));
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centered), -1, true), epsilon));
  return { unit: tf.mul(centered, inverse), inverse };
}

/**
 * Rows of `x` [rows, features] with mean 0 and variance 1, with a gradient of its own: a third of the operations that the chain of
 * the single steps would take. The gradient starts from `x` again, so that it can be differentiated too; a graph shares what both need.
 */
export function normalizeRows(tf: Tf, x: Tensor, epsilon: number): Tensor {
  const normalize = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [Tensor, (tensors: Tensor[]) => void];
    save([input]);
    return {
      value: normalized(tf, input, epsilon).unit,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const { unit, inverse } = normalized(tf, saved[0]!, epsilon);
        const along = tf.mul(unit, tf.mean(tf.mul(dy, unit), -1, true));
        return [tf.mul(tf.sub(tf.sub(dy, tf.mean(dy, -1, true)), along), inverse)];
      },
    };
  });
  return normalize(x);
}

/** unit · scale + offset, by one operation for it and one for its gradient. */
export function normalizedRows(tf: Tf, x: Tensor, scale: Tensor, offset: Tensor, epsilon: number): Tensor {
  const normalize = tf.customGrad((...args: unknown[]) => {
    const [input, factor, shift, save] = args as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
    const [y, sums] = runOwn(tf, 'PerennialLayerNorm', [input, factor, shift], { numbers: { epsilon } }) as [Tensor, Tensor];
    save([input, factor, sums]);
    return { value: y, gradFunc: (dy: Tensor, saved: Tensor[]) => runOwn(tf, 'PerennialLayerNormGradient', [dy, ...saved]) };
  });
  return normalize(x, scale, offset);
}
