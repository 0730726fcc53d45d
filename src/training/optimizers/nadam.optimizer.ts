import { correction, float32, power } from './shared/float32.ts';
import { momentProperties } from './shared/moment-schema.ts';
import { moving } from './shared/moments.ts';
import type { MomentConfig } from './shared/moments.ts';
import { defineOptimizer } from './optimizer.ts';
import type { CommonOptimizerConfig } from './optimizer.ts';

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
    return {
      learningRate,
      past: next,
      pastCorrection: float32(1 - float32(product * next)),
      present: float32(1 - now),
      presentCorrection: float32(1 - product),
      correction: correction(config.beta2, step),
    };
  },
  update(tf, { weights, gradient, slots, scalars }, config) {
    const mean = moving(tf, slots.mean!, gradient, float32(config.beta1));
    const variance = moving(tf, slots.variance!, tf.square(gradient), float32(config.beta2));
    const ahead = tf.add(
      tf.div(tf.mul(mean, scalars.past!), scalars.pastCorrection!),
      tf.div(tf.mul(gradient, scalars.present!), scalars.presentCorrection!),
    );
    const spread = tf.add(tf.sqrt(tf.div(variance, scalars.correction!)), config.epsilon);
    return { weights: tf.sub(weights, tf.div(tf.mul(ahead, scalars.learningRate!), spread)), slots: { mean, variance } };
  },
  reference: 'https://keras.io/api/optimizers/nadam/',
});

/** The schedule of the momentum: it grows towards `beta1`. */
function momentumAt(step: number, beta1: number): number {
  return float32(float32(beta1) * float32(1 - float32(0.5 * power(0.96, step))));
}

const products = new Map<number, number[]>();

/** Product of the momenta up to a step. Each is computed once; from some thousand factors on it is zero. */
function momentumProduct(step: number, beta1: number): number {
  let known = products.get(beta1);
  if (known === undefined) products.set(beta1, (known = [1]));
  while (known.length <= step && known.at(-1)! > 0) known.push(float32(known.at(-1)! * momentumAt(known.length, beta1)));
  return known[step] ?? 0;
}
