import { defineLoss } from './loss.ts';

export default defineLoss({
  name: 'meanAbsoluteError',
  aliases: ['mae', 'l1', 'l1Loss'],
  summary: 'Mean of the absolute differences.',
  labels: 'number',
  activations: ['linear', 'sigmoid', 'tanh', 'relu', 'softplus', 'exponential'],
  value: (tf, labels, predictions) => tf.mean(tf.abs(tf.sub(predictions, labels)), -1),
  reference: 'https://keras.io/api/losses/regression_losses/#meanabsoluteerror-class',
});
