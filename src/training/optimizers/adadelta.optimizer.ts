import { blended } from './shared/moments.ts';
import { defineOptimizer } from './optimizer.ts';
import type { CommonOptimizerConfig } from './optimizer.ts';
import { number } from '../model/schema-parts.ts';

interface Config extends CommonOptimizerConfig {
  readonly rho: number;
  readonly epsilon: number;
}

export default defineOptimizer<Config>({
  name: 'adadelta',
  summary: 'Steps by the gradient times the moving root of updates over that of gradients.',
  learningRate: 0.001,
  properties: {
    rho: number('Share of the moving squares that a step keeps.', 0.95, 0.95, { minimum: 0, exclusiveMaximum: 1 }),
    epsilon: number('Keeps divisions finite.', 1e-7, 1e-7, { exclusiveMinimum: 0 }),
  },
  slots: () => ({ gradients: 0, updates: 0 }),
  update(tf, { weights, gradient, slots, scalars }, config) {
    const gradients = blended(tf, slots.gradients!, tf.square(gradient), config.rho);
    const descent = tf.div(tf.mul(tf.sqrt(tf.add(slots.updates!, config.epsilon)), gradient), tf.sqrt(tf.add(gradients, config.epsilon)));
    const updates = blended(tf, slots.updates!, tf.square(descent), config.rho);
    return { weights: tf.sub(weights, tf.mul(descent, scalars.learningRate!)), slots: { gradients, updates } };
  },
  reference: 'https://keras.io/api/optimizers/adadelta/',
});
