import { EPSILON, labelSmoothing, smoothedBinary } from './shared/crossentropy.ts';
import type { CrossentropyConfig } from './shared/crossentropy.ts';
import { defineLoss } from './loss.ts';

export default defineLoss<CrossentropyConfig>({
  name: 'binaryCrossentropy',
  aliases: ['bce', 'logLoss', 'binaryCrossEntropyLoss', 'bceWithLogits'],
  summary: 'Crossentropy of two classes, from one sigmoid output.',
  properties: { labelSmoothing },
  labels: 'binary',
  activations: ['sigmoid'],
  value(tf, labels, predictions, config) {
    const truth = smoothedBinary(tf, labels, config.labelSmoothing);
    const share = tf.clipByValue(predictions, EPSILON, 1 - EPSILON);
    const likelihood = tf.add(tf.mul(truth, tf.log(share)), tf.mul(tf.sub(1, truth), tf.log(tf.sub(1, share))));
    return tf.neg(tf.mean(likelihood, -1));
  },
  fromLogits: {
    activation: 'sigmoid',
    value(tf, labels, logits, config) {
      const truth = smoothedBinary(tf, labels, config.labelSmoothing);
      const tail = tf.log1p(tf.exp(tf.neg(tf.abs(logits))));
      return tf.mean(tf.add(tf.sub(tf.relu(logits), tf.mul(logits, truth)), tail), -1);
    },
  },
  reference: 'https://keras.io/api/losses/probabilistic_losses/#binarycrossentropy-class',
});
