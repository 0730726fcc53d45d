import type { Tensor, Tf } from './tf.ts';

/** Activation functions by Keras's names (camel case), with Keras 3's constants. */
const ACTIVATIONS = {
  linear: (_tf: Tf, x: Tensor) => x,
  relu: (tf: Tf, x: Tensor) => tf.relu(x),
  relu6: (tf: Tf, x: Tensor) => tf.relu6(x),
  leakyRelu: (tf: Tf, x: Tensor) => tf.leakyRelu(x, 0.2),
  elu: (tf: Tf, x: Tensor) => tf.elu(x),
  selu: (tf: Tf, x: Tensor) => tf.selu(x),
  gelu: (tf: Tf, x: Tensor) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1)),
  sigmoid: (tf: Tf, x: Tensor) => tf.sigmoid(x),
  hardSigmoid: (tf: Tf, x: Tensor) => tf.clipByValue(tf.add(tf.div(x, 6), 0.5), 0, 1),
  tanh: (tf: Tf, x: Tensor) => tf.tanh(x),
  softmax: (tf: Tf, x: Tensor) => tf.softmax(x),
  softplus: (tf: Tf, x: Tensor) => tf.softplus(x),
  softsign: (tf: Tf, x: Tensor) => tf.div(x, tf.add(tf.abs(x), 1)),
  silu: (tf: Tf, x: Tensor) => tf.mul(x, tf.sigmoid(x)),
  mish: (tf: Tf, x: Tensor) => tf.mul(x, tf.tanh(tf.softplus(x))),
  exponential: (tf: Tf, x: Tensor) => tf.exp(x),
} as const;

export type ActivationName = keyof typeof ACTIVATIONS;
export const ACTIVATION_NAMES = Object.keys(ACTIVATIONS) as ActivationName[];

export function activate(tf: Tf, x: Tensor, name: ActivationName): Tensor {
  return ACTIVATIONS[name](tf, x);
}
