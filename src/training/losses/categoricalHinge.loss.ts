import { oneHot } from './shared/crossentropy.ts';
import { defineLoss } from './loss.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

/** The best wrong class should stay 1 below the right one. */
function margin(tf: Tf, labels: Tensor, scores: Tensor): Tensor {
  const truth = oneHot(tf, labels, scores.shape.at(-1)!, 0);
  const right = tf.sum(tf.mul(truth, scores), -1);
  const wrong = tf.max(tf.mul(tf.sub(1, truth), scores), -1);
  return tf.relu(tf.add(tf.sub(wrong, right), 1));
}

export default defineLoss({
  name: 'categoricalHinge',
  summary: 'Margin loss of several classes, on the values before the softmax.',
  labels: 'index',
  activations: ['softmax'],
  endsLinear: true,
  value: margin,
  fromLogits: { activation: 'softmax', value: margin },
  reference: 'https://keras.io/api/losses/hinge_losses/#categoricalhinge-class',
});
