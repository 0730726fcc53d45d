import { EPSILON, labelSmoothing, oneHot } from './shared/crossentropy.ts';
import { defineLoss } from './loss.ts';
import { number } from '../model/schema-parts.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

interface Config {
  readonly gamma: number;
  readonly alpha: number;
  readonly labelSmoothing: number;
}

function focused(tf: Tf, labels: Tensor, shares: Tensor, logs: Tensor, { gamma, alpha, labelSmoothing: smoothing }: Config): Tensor {
  const factor = tf.mul(tf.pow(tf.sub(1, shares), gamma), alpha);
  return tf.neg(tf.sum(tf.mul(factor, tf.mul(oneHot(tf, labels, shares.shape.at(-1)!, smoothing), logs)), -1));
}

export default defineLoss<Config>({
  name: 'categoricalFocalCrossentropy',
  aliases: ['categoricalFocal'],
  summary: 'Crossentropy of several classes that counts easy rows less, for classes of very different size.',
  properties: {
    gamma: number('How much less easy rows count; 0: all the same.', 2, 3, { minimum: 0 }),
    alpha: number('Factor of the loss.', 0.25, 1, { exclusiveMinimum: 0 }),
    labelSmoothing,
  },
  labels: 'index',
  activations: ['softmax'],
  value(tf, labels, predictions, config) {
    const shares = tf.clipByValue(tf.div(predictions, tf.sum(predictions, -1, true)), EPSILON, 1 - EPSILON);
    return focused(tf, labels, shares, tf.log(shares), config);
  },
  fromLogits: {
    activation: 'softmax',
    value(tf, labels, logits, config) {
      const logs = tf.logSoftmax(logits);
      return focused(tf, labels, tf.exp(logs), logs, config);
    },
  },
  reference: 'https://keras.io/api/losses/probabilistic_losses/#categoricalfocalcrossentropy-class',
});
