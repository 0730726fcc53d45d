import { defineLoss } from './loss.ts';

export default defineLoss({
  name: 'logCosh',
  summary: 'Logarithm of the hyperbolic cosine of the differences: squared near zero, absolute far away.',
  labels: 'number',
  activations: ['linear', 'sigmoid', 'tanh', 'relu', 'softplus', 'exponential'],
  value(tf, labels, predictions) {
    const difference = tf.sub(predictions, labels);
    return tf.mean(tf.sub(tf.add(difference, tf.softplus(tf.mul(difference, -2))), Math.LN2), -1);
  },
  reference: 'https://keras.io/api/losses/regression_losses/#logcosh-class',
});
