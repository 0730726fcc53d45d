import { defineOptimizer } from './optimizer.ts';
import type { CommonOptimizerConfig } from './optimizer.ts';
import { number } from '../model/schema-parts.ts';

interface Config extends CommonOptimizerConfig {
  readonly initialAccumulator: number;
  readonly epsilon: number;
}

export default defineOptimizer<Config>({
  name: 'adagrad',
  summary: 'Steps that shrink with the sum of all squared gradients so far.',
  learningRate: 0.001,
  properties: {
    initialAccumulator: number('Sum of squares at the start.', 0.1, 0.1, { minimum: 0 }),
    epsilon: number('Keeps divisions finite.', 1e-7, 1e-7, { exclusiveMinimum: 0 }),
  },
  slots: (config) => ({ accumulator: config.initialAccumulator }),
  update(tf, { weights, gradient, slots, scalars }, config) {
    const accumulator = tf.add(slots.accumulator!, tf.square(gradient));
    const descent = tf.div(tf.mul(gradient, scalars.learningRate!), tf.sqrt(tf.add(accumulator, config.epsilon)));
    return { weights: tf.sub(weights, descent), slots: { accumulator } };
  },
  reference: 'https://keras.io/api/optimizers/adagrad/',
});
