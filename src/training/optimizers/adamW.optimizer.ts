import { amsgradProperty, momentProperties } from './shared/moment-schema.ts';
import { adamScalars, adamSlots, adamUpdate } from './shared/moments.ts';
import type { MomentConfig } from './shared/moments.ts';
import { defineOptimizer } from './optimizer.ts';
import type { CommonOptimizerConfig } from './optimizer.ts';

export default defineOptimizer<CommonOptimizerConfig & MomentConfig & { readonly amsgrad: boolean }>({
  name: 'adamW',
  aliases: ['decoupledWeightDecay'],
  summary: 'Adam with weights that decay by a share of the learning rate at each step.',
  learningRate: 0.001,
  weightDecay: 0.004,
  properties: { ...momentProperties, ...amsgradProperty },
  cycles: 'beta1',
  slots: adamSlots,
  scalars: adamScalars,
  update: adamUpdate,
  reference: 'https://keras.io/api/optimizers/adamw/',
});
