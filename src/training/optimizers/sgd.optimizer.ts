import { defineOptimizer } from './optimizer.ts';
import type { CommonOptimizerConfig, OptimizerResult } from './optimizer.ts';
import { bool, number } from '../model/schema-parts.ts';

export default defineOptimizer<CommonOptimizerConfig & { readonly momentum: number; readonly nesterov: boolean }>({
  name: 'sgd',
  aliases: ['gradientDescent', 'stochasticGradientDescent', 'momentum', 'nesterov'],
  summary: 'Gradient descent, with or without momentum.',
  learningRate: 0.01,
  properties: {
    momentum: number('Share of the last update that the next one keeps.', 0, 0.9, { minimum: 0, maximum: 1 }),
    nesterov: bool("Nesterov's momentum: look ahead by the momentum.", false),
  },
  cycles: 'momentum',
  slots: (config): Record<string, number> => (config.momentum > 0 ? { momentum: 0 } : {}),
  scalars: (_step, learningRate) => ({ descent: -learningRate }),
  update(tf, { weights, gradient, slots, scalars }, config): OptimizerResult {
    const descent = tf.mul(gradient, scalars.descent!);
    if (config.momentum === 0) return { weights: tf.add(weights, descent), slots: {} };
    const share = scalars.momentum ?? config.momentum;
    const momentum = tf.add(tf.mul(slots.momentum!, share), descent);
    const update = config.nesterov ? tf.add(tf.mul(momentum, share), descent) : momentum;
    return { weights: tf.add(weights, update), slots: { momentum } };
  },
  reference: 'https://keras.io/api/optimizers/sgd/',
});
