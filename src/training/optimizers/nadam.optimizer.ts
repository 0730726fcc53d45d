import { momentProperties } from '../moment-schema.ts';
import { moving } from '../moments.ts';
import type { MomentConfig } from '../moments.ts';
import { defineOptimizer } from '../optimizer.ts';
import type { CommonOptimizerConfig } from '../optimizer.ts';

export default defineOptimizer<CommonOptimizerConfig & MomentConfig>({
  name: 'nadam',
  summary: "Adam with Nesterov's momentum.",
  learningRate: 0.001,
  properties: momentProperties,
  slots: () => ({ mean: 0, variance: 0 }),
  update(tf, { weights, gradient, slots, step, learningRate }, config) {
    const now = momentumAt(step, config.beta1);
    const next = momentumAt(step + 1, config.beta1);
    const product = momentumProduct(step, config.beta1);
    const mean = moving(tf, slots.mean!, gradient, config.beta1);
    const variance = moving(tf, slots.variance!, tf.square(gradient), config.beta2);
    const ahead = tf.add(tf.mul(mean, next / (1 - product * next)), tf.mul(gradient, (1 - now) / (1 - product)));
    const spread = tf.add(tf.sqrt(tf.div(variance, 1 - config.beta2 ** step)), config.epsilon);
    return { weights: tf.sub(weights, tf.div(tf.mul(ahead, learningRate), spread)), slots: { mean, variance } };
  },
  reference: 'https://keras.io/api/optimizers/nadam/',
});

/** The schedule of the momentum: it grows towards `beta1`. */
function momentumAt(step: number, beta1: number): number {
  return beta1 * (1 - 0.5 * 0.96 ** step);
}

/** Falls below the smallest number after some thousand factors; the loop ends there. */
function momentumProduct(step: number, beta1: number): number {
  let product = 1;
  for (let at = 1; at <= step && product > 0; at++) product *= momentumAt(at, beta1);
  return product;
}
