import { blended } from './shared/moments.ts';
import { defineOptimizer } from './optimizer.ts';
import type { CommonOptimizerConfig } from './optimizer.ts';
import { bool, number } from '../model/schema-parts.ts';

interface Config extends CommonOptimizerConfig {
  readonly rho: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly centered: boolean;
}

export default defineOptimizer<Config>({
  name: 'rmsprop',
  aliases: ['rmsPropOptimizer'],
  summary: 'Steps by the gradient over the root of its moving square.',
  learningRate: 0.001,
  properties: {
    rho: number('Share of the moving square that a step keeps.', 0.9, 0.9, { minimum: 0, exclusiveMaximum: 1 }),
    momentum: number('Share of the last update that the next one keeps.', 0, 0.9, { minimum: 0, maximum: 1 }),
    epsilon: number('Keeps divisions finite.', 1e-7, 1e-7, { exclusiveMinimum: 0 }),
    centered: bool('Divide by the variance instead of the moving square.', false),
  },
  cycles: 'momentum',
  slots: (config) => ({ square: 0, ...(config.momentum > 0 ? { momentum: 0 } : {}), ...(config.centered ? { mean: 0 } : {}) }),
  update(tf, { weights, gradient, slots, scalars }, config) {
    const square = blended(tf, slots.square!, tf.square(gradient), config.rho);
    const mean = config.centered ? blended(tf, slots.mean!, gradient, config.rho) : undefined;
    const spread = mean === undefined ? square : tf.sub(square, tf.square(mean));
    const descent = tf.div(tf.mul(gradient, scalars.learningRate!), tf.sqrt(tf.add(spread, config.epsilon)));
    const momentum = config.momentum > 0 ? tf.add(tf.mul(slots.momentum!, scalars.momentum ?? config.momentum), descent) : undefined;
    return {
      weights: tf.sub(weights, momentum ?? descent),
      slots: { square, ...(momentum === undefined ? {} : { momentum }), ...(mean === undefined ? {} : { mean }) },
    };
  },
  reference: 'https://keras.io/api/optimizers/rmsprop/',
});
