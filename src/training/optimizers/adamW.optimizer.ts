import { amsgradProperty, momentProperties } from '../moment-schema.ts';
import { adamScalars, adamSlots, adamUpdate } from '../moments.ts';
import type { MomentConfig } from '../moments.ts';
import { defineOptimizer } from '../optimizer.ts';
import type { CommonOptimizerConfig } from '../optimizer.ts';
import { number } from '../schema-parts.ts';

export default defineOptimizer<CommonOptimizerConfig & MomentConfig & { readonly amsgrad: boolean; readonly weightDecay: number }>({
  name: 'adamW',
  summary: 'Adam with weights that decay by a share of the learning rate at each step.',
  learningRate: 0.001,
  properties: {
    weightDecay: number('Share of the learning rate by which weights shrink.', 0.004, 0.01, { minimum: 0 }),
    ...momentProperties,
    ...amsgradProperty,
  },
  slots: adamSlots,
  scalars: (step, learningRate, config) => ({ ...adamScalars(step, learningRate, config), kept: 1 - learningRate * config.weightDecay }),
  update: (tf, step, config) => adamUpdate(tf, { ...step, weights: tf.mul(step.weights, step.scalars.kept!) }, config),
  reference: 'https://keras.io/api/optimizers/adamw/',
});
