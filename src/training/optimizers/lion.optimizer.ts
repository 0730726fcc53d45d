import { float32 } from './shared/float32.ts';
import { defineOptimizer } from './optimizer.ts';
import type { CommonOptimizerConfig } from './optimizer.ts';
import { number } from '../model/schema-parts.ts';

interface Config extends CommonOptimizerConfig {
  readonly beta1: number;
  readonly beta2: number;
}

export default defineOptimizer<Config>({
  name: 'lion',
  summary: 'Steps of one size in the direction of the sign of a moving mean: wants a learning rate three to ten times smaller than Adam.',
  learningRate: 0.001,
  properties: {
    beta1: number('Share of the moving mean in the direction of a step.', 0.9, 0.95, { minimum: 0, exclusiveMaximum: 1 }),
    beta2: number('Share of the moving mean of gradients that a step keeps.', 0.99, 0.98, { minimum: 0, exclusiveMaximum: 1 }),
  },
  slots: () => ({ mean: 0 }),
  update(tf, { weights, gradient, slots, scalars }, config) {
    const blend = (share: number): typeof weights => tf.add(tf.mul(slots.mean!, float32(share)), tf.mul(gradient, 1 - float32(share)));
    return { weights: tf.sub(weights, tf.mul(tf.sign(blend(config.beta1)), scalars.learningRate!)), slots: { mean: blend(config.beta2) } };
  },
  reference: 'X. Chen et al.: Symbolic Discovery of Optimization Algorithms (2023); https://keras.io/api/optimizers/lion/',
});
