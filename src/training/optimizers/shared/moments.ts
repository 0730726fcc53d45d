import { correction, float32 } from './float32.ts';
import type { OptimizerStep } from '../optimizer.ts';
import { mayUseOwnOperations, runOwn } from '../../tensorflow/own-operations.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

export interface MomentConfig {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** Moving mean that keeps `share` of its old value. */
export function moving(tf: Tf, old: Tensor, now: Tensor, share: number | Tensor): Tensor {
  return tf.add(old, tf.mul(tf.sub(now, old), typeof share === 'number' ? 1 - share : tf.sub(1, share)));
}

/** The same as a weighted sum: some optimizers round in this order. */
export function blended(tf: Tf, old: Tensor, now: Tensor, share: number): Tensor {
  return tf.add(tf.mul(old, share), tf.mul(now, 1 - share));
}

/**
 * The update of Adam.
 *
 * @see D. P. Kingma, J. Ba: Adam (2015), the formulation before section 2.1, as Keras and TensorFlow compute it
 */
export function adamUpdate(
  tf: Tf,
  { weights, gradient, slots, scalars }: OptimizerStep,
  config: MomentConfig & { readonly amsgrad: boolean },
): { weights: Tensor; slots: Record<string, Tensor> } {
  const { beta1, beta2, epsilon, amsgrad } = config;
  if (!amsgrad && scalars.momentum === undefined && mayUseOwnOperations(tf)) {
    const numbers = { epsilon, mean_share: 1 - beta1, variance_share: 1 - beta2 };
    const inputs = [weights, gradient, slots.mean!, slots.variance!, scalars.alpha!];
    const [moved, mean, variance] = runOwn(tf, 'PerennialAdam', inputs, { numbers }) as [Tensor, Tensor, Tensor];
    return { weights: moved, slots: { mean, variance } };
  }
  const mean = moving(tf, slots.mean!, gradient, scalars.momentum ?? config.beta1);
  const variance = moving(tf, slots.variance!, tf.square(gradient), config.beta2);
  const largest = config.amsgrad ? tf.maximum(slots.largest!, variance) : undefined;
  const moved = tf.sub(weights, tf.div(tf.mul(mean, scalars.alpha!), tf.add(tf.sqrt(largest ?? variance), config.epsilon)));
  return { weights: moved, slots: { mean, variance, ...(largest === undefined ? {} : { largest }) } };
}

/** Adam's learning rate with both corrections of bias. */
export function adamScalars(step: number, learningRate: number, config: MomentConfig): { alpha: number } {
  const numerator = float32(float32(learningRate) * float32(Math.sqrt(correction(config.beta2, step))));
  return { alpha: float32(numerator / correction(config.beta1, step)) };
}

export function adamSlots(config: { readonly amsgrad: boolean }): Record<string, number> {
  return { mean: 0, variance: 0, ...(config.amsgrad ? { largest: 0 } : {}) };
}
