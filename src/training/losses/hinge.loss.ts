import { defineLoss } from './loss.ts';

export default defineLoss({
  name: 'hinge',
  summary: 'Margin loss of two classes, from one output between -1 and 1.',
  labels: 'binary',
  activations: ['tanh', 'linear'],
  value: (tf, labels, predictions) => tf.mean(tf.relu(tf.sub(1, tf.mul(tf.sub(tf.mul(labels, 2), 1), predictions))), -1),
  // Scores run from -1 to 1, without being probabilities: 0 is undecided.
  score: (value) => Math.min(1, Math.max(0, (value + 1) / 2)),
  reference: 'https://keras.io/api/losses/hinge_losses/#hinge-class',
});
