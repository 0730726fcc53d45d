import type { Tensor, Tf } from '../../tensorflow/tf.ts';
import type { RawBackend } from '../../tensorflow/raw-backend.ts';

/** x + bias over the last axis, by TensorFlow's own operations for it and its gradient: oneDNN joins them with the convolution. */
export function addBias(tf: Tf, x: Tensor, bias: Tensor | undefined): Tensor {
  if (bias === undefined) return x;
  const backend = tf.backend() as unknown as RawBackend;
  const attributes = [
    { name: 'T', type: backend.binding.TF_ATTR_TYPE!, value: backend.binding.TF_FLOAT },
    { name: 'data_format', type: backend.binding.TF_ATTR_STRING!, value: 'NHWC' },
  ];
  const add = tf.customGrad((...args: unknown[]) => {
    const [values, offset] = args as [Tensor, Tensor];
    return {
      value: backend.executeSingleOutput('BiasAdd', attributes, [values, offset]),
      gradFunc: (dy: Tensor) => [dy, sums(dy)],
    };
  });
  const sums = tf.customGrad((...args: unknown[]) => {
    const [dy] = args as [Tensor];
    return {
      value: backend.executeSingleOutput('BiasAddGrad', attributes, [dy]),
      gradFunc: (d: Tensor) => tf.add(tf.zeros(dy.shape), d),
    };
  });
  return add(x, bias);
}
