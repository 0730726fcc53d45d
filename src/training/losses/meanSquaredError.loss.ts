import { defineLoss } from './loss.ts';

export default defineLoss({
  name: 'meanSquaredError',
  aliases: ['mse', 'l2', 'l2Loss', 'rmse', 'rootMeanSquaredError'],
  summary: 'Mean of the squared differences.',
  labels: 'number',
  activations: ['linear', 'sigmoid', 'tanh', 'relu', 'softplus', 'exponential'],
  value: (tf, labels, predictions) => tf.mean(tf.squaredDifference(predictions, labels), -1),
  reference: 'https://keras.io/api/losses/regression_losses/#meansquarederror-class',
});
