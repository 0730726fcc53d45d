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
  scalars(step, learningRate, config) {
    const now = momentumAt(step, config.beta1);
    const next = momentumAt(step + 1, config.beta1);
    const product = momentumProduct(step, config.beta1);
    return { learningRate, past: next / (1 - product * next), present: (1 - now) / (1 - product), correction: 1 - config.beta2 ** step };
  },
  update(tf, { weights, gradient, slots, scalars }, config) {
    const mean = moving(tf, slots.mean!, gradient, config.beta1);
    const variance = moving(tf, slots.variance!, tf.square(gradient), config.beta2);
    const ahead = tf.add(tf.mul(mean, scalars.past!), tf.mul(gradient, scalars.present!));
    const spread = tf.add(tf.sqrt(tf.div(variance, scalars.correction!)), config.epsilon);
    return { weights: tf.sub(weights, tf.div(tf.mul(ahead, scalars.learningRate!), spread)), slots: { mean, variance } };
  },
  reference: 'https://keras.io/api/optimizers/nadam/',
});

/** The schedule of the momentum: it grows towards `beta1`. */
function momentumAt(step: number, beta1: number): number {
  return beta1 * (1 - 0.5 * 0.96 ** step);
}

const products = new Map<number, number[]>();

/** Product of the momenta up to a step. Each is computed once; from some thousand factors on it is zero. */
function momentumProduct(step: number, beta1: number): number {
  let known = products.get(beta1);
  if (known === undefined) products.set(beta1, (known = [1]));
  while (known.length <= step && known.at(-1)! > 0) known.push(known.at(-1)! * momentumAt(known.length, beta1));
  return known[step] ?? 0;
}
