import { addBias } from './bias.ts';
import { mayUseOwnOperations, runOwn } from '../../tensorflow/own-operations.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

/** Our own operations first lay a kernel out anew: for fewer rows and a larger kernel that takes as long as the product. */
const ROWS_MIN = 64;
const KERNEL_MAX = 65_536;

/**
 * x · kernel + bias.
 *
 * @param x [rows, inputs]
 * @param kernel [inputs, outputs]
 * @param bias [outputs]
 * @param rectified cuts what is below 0
 * @returns [rows, outputs]
 */
export function affine(tf: Tf, x: Tensor, kernel: Tensor, bias: Tensor | undefined, rectified = false): Tensor {
  if (mayUseOwnOperations(tf) && (x.shape[0]! >= ROWS_MIN || kernel.size <= KERNEL_MAX))
    return joined(tf, x, kernel, bias ?? tf.zeros([kernel.shape[1]!]), rectified);
  const sums = addBias(tf, tf.matMul(x, kernel), bias);
  return rectified ? tf.relu(sums) : sums;
}

/** By one operation for it, and one each for the gradients of what it reads and of its weights: a graph leaves out what nobody asks. */
function joined(tf: Tf, x: Tensor, kernel: Tensor, bias: Tensor, rectified: boolean): Tensor {
  const attributes = { truths: { rectified } };
  return tf.customGrad((...args: unknown[]) => {
    const [input, factors, offset, save] = args as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
    const y = runOwn(tf, 'PerennialDense', [input, factors, offset], attributes)[0]!;
    save(rectified ? [input, factors, y] : [input, factors]);
    return {
      value: y,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [read, weights, output = dy] = saved as [Tensor, Tensor, Tensor?];
        return [
          ...runOwn(tf, 'PerennialDenseInputGradient', [dy, weights, output], attributes),
          ...runOwn(tf, 'PerennialDenseGradient', [dy, read, output], attributes),
        ];
      },
    };
  })(x, kernel, bias);
}
