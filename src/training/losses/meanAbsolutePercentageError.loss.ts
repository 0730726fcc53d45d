import { EPSILON } from './shared/crossentropy.ts';
import { defineLoss } from './loss.ts';

export default defineLoss({
  name: 'meanAbsolutePercentageError',
  aliases: ['mape'],
  summary: 'Mean of the absolute differences in percent of the label, for labels away from 0.',
  labels: 'number',
  inUnitOfLabel: true,
  activations: ['linear', 'relu', 'softplus', 'exponential'],
  value: (tf, labels, predictions) =>
    tf.mul(tf.mean(tf.abs(tf.div(tf.sub(labels, predictions), tf.maximum(tf.abs(labels), EPSILON))), -1), 100),
  reference: 'https://keras.io/api/losses/regression_losses/#meanabsolutepercentageerror-class',
});
