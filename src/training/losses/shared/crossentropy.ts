import type { JsonSchema } from '../../../core/json.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

/** Keras's bound that keeps logarithms finite. */
export const EPSILON = 1e-7;

export interface CrossentropyConfig {
  readonly labelSmoothing: number;
}

export const labelSmoothing: JsonSchema = {
  type: 'number',
  minimum: 0,
  exclusiveMaximum: 1,
  default: 0,
  examples: [0.1],
  description: 'Share of the label that is spread evenly over all classes.',
};

/** Labels of two classes, a share of each moved halfway to the middle. */
export function smoothedBinary(tf: Tf, labels: Tensor, share: number): Tensor {
  return share === 0 ? labels : tf.add(tf.mul(labels, 1 - share), share / 2);
}

/** Class indices [n] → shares of the classes [n, classes]. */
export function oneHot(tf: Tf, labels: Tensor, classes: number, smoothing: number): Tensor {
  const exact = tf.cast(tf.oneHot(labels as import('@tensorflow/tfjs-node').Tensor1D, classes), 'float32');
  return smoothing === 0 ? exact : tf.add(tf.mul(exact, 1 - smoothing), smoothing / classes);
}

/** Crossentropy of several classes. */
export const crossentropy = {
  value(tf: Tf, labels: Tensor, predictions: Tensor, config: CrossentropyConfig): Tensor {
    const shares = tf.div(predictions, tf.sum(predictions, -1, true));
    const logs = tf.log(tf.clipByValue(shares, EPSILON, 1 - EPSILON));
    return tf.neg(tf.sum(tf.mul(oneHot(tf, labels, predictions.shape.at(-1)!, config.labelSmoothing), logs), -1));
  },
  fromLogits: {
    activation: 'softmax',
    value(tf: Tf, labels: Tensor, logits: Tensor, config: CrossentropyConfig): Tensor {
      return tf.neg(tf.sum(tf.mul(oneHot(tf, labels, logits.shape.at(-1)!, config.labelSmoothing), tf.logSoftmax(logits)), -1));
    },
  },
};
