import { defineLoss } from './loss.ts';
import { number } from '../model/schema-parts.ts';

export default defineLoss<{ readonly delta: number }>({
  name: 'huber',
  aliases: ['smoothL1', 'huberLoss'],
  summary: 'Squared for small differences, absolute for large ones.',
  properties: { delta: number('Difference from which on the loss is absolute.', 1, 1, { exclusiveMinimum: 0 }) },
  labels: 'number',
  activations: ['linear', 'sigmoid', 'tanh', 'relu', 'softplus', 'exponential'],
  value(tf, labels, predictions, { delta }) {
    const size = tf.abs(tf.sub(predictions, labels));
    const small = tf.minimum(size, delta);
    return tf.mean(tf.add(tf.mul(tf.square(small), 0.5), tf.mul(tf.sub(size, small), delta)), -1);
  },
  reference: 'https://keras.io/api/losses/regression_losses/#huber-class',
});
