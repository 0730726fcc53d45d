import type { Resolved } from '../../../src/training/model/named.ts';
import type { OptimizerDefinition } from '../../../src/training/optimizers/optimizer.ts';

/** The optimizer with one more slot, which holds the gradient of the last update: both engines then show it under "slots/gradient". */
export function recordingGradients({ name, definition, config }: Resolved<OptimizerDefinition>): Resolved<OptimizerDefinition> {
  return {
    name,
    config,
    definition: {
      ...definition,
      slots: (settings) => ({ ...definition.slots(settings), gradient: 0 }),
      update(tf, { slots: { gradient: _last, ...slots }, ...step }, settings) {
        const next = definition.update(tf, { ...step, slots }, settings);
        return { ...next, slots: { ...next.slots, gradient: step.gradient } };
      },
    },
  };
}
