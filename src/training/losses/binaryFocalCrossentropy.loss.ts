import { EPSILON, labelSmoothing, smoothedBinary } from './shared/crossentropy.ts';
import { defineLoss } from './loss.ts';
import { bool, number } from '../model/schema-parts.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

interface Config {
  readonly gamma: number;
  readonly alpha: number;
  readonly classBalancing: boolean;
  readonly labelSmoothing: number;
}

/** Crossentropy times (1 − probability of the truth) ^ gamma, and times the weight of its class. */
function focused(tf: Tf, truth: Tensor, share: Tensor, crossentropy: Tensor, { gamma, alpha, classBalancing }: Config): Tensor {
  const right = tf.add(tf.mul(truth, share), tf.mul(tf.sub(1, truth), tf.sub(1, share)));
  const focal = tf.mul(tf.pow(tf.sub(1, right), gamma), crossentropy);
  return tf.mean(classBalancing ? tf.mul(tf.add(tf.mul(truth, alpha), tf.mul(tf.sub(1, truth), 1 - alpha)), focal) : focal, -1);
}

export default defineLoss<Config>({
  name: 'binaryFocalCrossentropy',
  aliases: ['focal', 'focalLoss', 'binaryFocal'],
  summary: 'Crossentropy of two classes that counts easy rows less, for classes of very different size.',
  properties: {
    gamma: number('How much less easy rows count; 0: all the same.', 2, 3, { minimum: 0 }),
    classBalancing: bool('Weight the second class by `alpha`, the first by 1 − `alpha`.', false),
    alpha: number('Weight of the second class, with `classBalancing`.', 0.25, 0.75, { minimum: 0, maximum: 1 }),
    labelSmoothing,
  },
  labels: 'binary',
  activations: ['sigmoid'],
  value(tf, labels, predictions, config) {
    const truth = smoothedBinary(tf, labels, config.labelSmoothing);
    const share = tf.clipByValue(predictions, EPSILON, 1 - EPSILON);
    const likelihood = tf.add(tf.mul(truth, tf.log(share)), tf.mul(tf.sub(1, truth), tf.log(tf.sub(1, share))));
    return focused(tf, truth, predictions, tf.neg(likelihood), config);
  },
  fromLogits: {
    activation: 'sigmoid',
    value(tf, labels, logits, config) {
      const truth = smoothedBinary(tf, labels, config.labelSmoothing);
      const tail = tf.log1p(tf.exp(tf.neg(tf.abs(logits))));
      return focused(tf, truth, tf.sigmoid(logits), tf.add(tf.sub(tf.relu(logits), tf.mul(logits, truth)), tail), config);
    },
  },
  reference: 'https://keras.io/api/losses/probabilistic_losses/#binaryfocalcrossentropy-class',
});
