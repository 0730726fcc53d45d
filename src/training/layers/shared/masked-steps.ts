import type { Tensor, Tf } from '../../tensorflow/tf.ts';

/**
 * Runs a recurrence that knows no masks over sequences of which some steps do not count: those that count are moved to the front, in
 * their order, and each step then gets the state after the last one that counted, zeros before the first.
 *
 * @param x [batch, steps, features]
 * @param mask [batch, steps], 1 where a step counts
 * @param run from [batch, steps, features] to states [batch, steps, units]
 */
export function reordered(tf: Tf, x: Tensor, mask: Tensor, run: (x: Tensor) => Tensor): Tensor {
  const [batch, steps, features] = x.shape as [number, number, number];
  const counted = tf.cumsum(mask, 1);
  const rows = tf.mul(tf.reshape(tf.range(0, batch), [batch, 1]), steps);
  const place = (within: Tensor): Tensor => tf.cast(tf.reshape(tf.add(rows, within), [-1]), 'int32');
  const skipped = tf.add(tf.cumsum(tf.sub(1, mask), 1), tf.sub(tf.sum(mask, 1, true), 1));
  const target = place(tf.where(tf.greater(mask, 0), tf.sub(counted, 1), skipped));
  const inFront = tf.unsortedSegmentSum(
    tf.reshape(x, [batch * steps, features]),
    target as import('@tensorflow/tfjs-node').Tensor1D,
    batch * steps,
  );
  const states = run(tf.reshape(inFront, [batch, steps, features]));
  const units = states.shape[2]!;
  const kept = tf.gather(tf.reshape(states, [batch * steps, units]), place(tf.maximum(tf.sub(counted, 1), 0)));
  return tf.mul(tf.reshape(kept, [batch, steps, units]), tf.cast(tf.greater(tf.expandDims(counted, 2), 0), 'float32'));
}
