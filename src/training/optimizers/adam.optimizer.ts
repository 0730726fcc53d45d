import { amsgradProperty, momentProperties } from './shared/moment-schema.ts';
import { adamScalars, adamSlots, adamUpdate } from './shared/moments.ts';
import type { MomentConfig } from './shared/moments.ts';
import { defineOptimizer } from './optimizer.ts';
import type { CommonOptimizerConfig } from './optimizer.ts';

export default defineOptimizer<CommonOptimizerConfig & MomentConfig & { readonly amsgrad: boolean }>({
  name: 'adam',
  aliases: ['adamOptimizer', 'amsgrad'],
  summary: 'Steps by the moving mean of the gradient over the root of its moving square. A good first choice.',
  learningRate: 0.001,
  properties: { ...momentProperties, ...amsgradProperty },
  cycles: 'beta1',
  slots: adamSlots,
  scalars: adamScalars,
  update: adamUpdate,
  reference: 'https://keras.io/api/optimizers/adam/',
});
