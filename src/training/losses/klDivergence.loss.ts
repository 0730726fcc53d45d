import { EPSILON, labelSmoothing, oneHot } from './shared/crossentropy.ts';
import type { CrossentropyConfig } from './shared/crossentropy.ts';
import { defineLoss } from './loss.ts';

export default defineLoss<CrossentropyConfig>({
  name: 'klDivergence',
  aliases: ['kld', 'kullbackLeibler', 'kullbackLeiblerDivergence'],
  summary: 'Kullback-Leibler divergence of the probabilities of a softmax from those of the label.',
  properties: { labelSmoothing },
  labels: 'index',
  activations: ['softmax'],
  value(tf, labels, predictions, config) {
    const truth = tf.clipByValue(oneHot(tf, labels, predictions.shape.at(-1)!, config.labelSmoothing), EPSILON, 1);
    return tf.sum(tf.mul(truth, tf.log(tf.div(truth, tf.clipByValue(predictions, EPSILON, 1)))), -1);
  },
  reference: 'https://keras.io/api/losses/probabilistic_losses/#kldivergence-class',
});
