import { correction } from './shared/float32.ts';
import { momentProperties } from './shared/moment-schema.ts';
import { moving } from './shared/moments.ts';
import type { MomentConfig } from './shared/moments.ts';
import { defineOptimizer } from './optimizer.ts';
import type { CommonOptimizerConfig } from './optimizer.ts';

export default defineOptimizer<CommonOptimizerConfig & MomentConfig>({
  name: 'adamax',
  summary: 'Adam with the largest recent gradient in place of the root of the moving square.',
  learningRate: 0.001,
  properties: momentProperties,
  cycles: 'beta1',
  slots: () => ({ mean: 0, largest: 0 }),
  scalars: (step, learningRate, config) => ({ learningRate, correction: correction(config.beta1, step) }),
  update(tf, { weights, gradient, slots, scalars }, config) {
    const mean = moving(tf, slots.mean!, gradient, scalars.momentum ?? config.beta1);
    const largest = tf.maximum(tf.mul(slots.largest!, config.beta2), tf.abs(gradient));
    const descent = tf.div(tf.mul(mean, scalars.learningRate!), tf.mul(tf.add(largest, config.epsilon), scalars.correction!));
    return { weights: tf.sub(weights, descent), slots: { mean, largest } };
  },
  reference: 'https://keras.io/api/optimizers/adamax/',
});
