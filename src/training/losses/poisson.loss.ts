import { defineLoss } from './loss.ts';
import { EPSILON } from './shared/crossentropy.ts';

export default defineLoss({
  name: 'poisson',
  aliases: ['poissonNll'],
  summary: 'For counts: prediction − label · log(prediction).',
  labels: 'number',
  inUnitOfLabel: true,
  labelMin: 0,
  activations: ['exponential', 'softplus'],
  value: (tf, labels, predictions) => tf.mean(tf.sub(predictions, tf.mul(labels, tf.log(tf.add(predictions, EPSILON)))), -1),
  reference: 'https://keras.io/api/losses/probabilistic_losses/#poisson-class',
});
