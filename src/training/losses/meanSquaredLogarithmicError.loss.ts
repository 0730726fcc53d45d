import { EPSILON } from './shared/crossentropy.ts';
import { defineLoss } from './loss.ts';

export default defineLoss({
  name: 'meanSquaredLogarithmicError',
  aliases: ['msle'],
  summary: 'Mean of the squared differences of log(1 + x), for labels from 0 up that spread over several sizes.',
  labels: 'number',
  inUnitOfLabel: true,
  labelMin: 0,
  activations: ['softplus', 'exponential', 'relu', 'linear'],
  value(tf, labels, predictions) {
    const log = (values: typeof labels): typeof labels => tf.log(tf.add(tf.maximum(values, EPSILON), 1));
    return tf.mean(tf.squaredDifference(log(labels), log(predictions)), -1);
  },
  reference: 'https://keras.io/api/losses/regression_losses/#meansquaredlogarithmicerror-class',
});
