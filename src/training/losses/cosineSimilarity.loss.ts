import { labelSmoothing, oneHot } from './shared/crossentropy.ts';
import type { CrossentropyConfig } from './shared/crossentropy.ts';
import { defineLoss } from './loss.ts';

/** Keras's bound of a squared length that is divided by. */
const SQUARE_MIN = 1e-12;

export default defineLoss<CrossentropyConfig>({
  name: 'cosineSimilarity',
  aliases: ['cosine', 'cosineDistance'],
  summary: 'Minus the cosine between the probabilities of a softmax and those of the label: -1 is a perfect answer.',
  properties: { labelSmoothing },
  labels: 'index',
  activations: ['softmax'],
  value(tf, labels, predictions, config) {
    const unit = (vector: typeof predictions): typeof predictions =>
      tf.mul(vector, tf.rsqrt(tf.maximum(tf.sum(tf.square(vector), -1, true), SQUARE_MIN)));
    return tf.neg(tf.sum(tf.mul(unit(oneHot(tf, labels, predictions.shape.at(-1)!, config.labelSmoothing)), unit(predictions)), -1));
  },
  reference: 'https://keras.io/api/losses/regression_losses/#cosinesimilarity-class',
});
