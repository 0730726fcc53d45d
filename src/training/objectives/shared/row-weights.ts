import { PerennialError } from '../../../core/errors.ts';
import { WEIGHT } from '../../../data/preprocess/row-weight.ts';
import type { Objective } from '../objective.ts';

/**
 * The same objective, with the weights of rows that the examples hold times those of their classes.
 *
 * @throws CONFIG_INVALID where rows cannot be weighted
 */
export function withRowWeights(objective: Objective, column: string): Objective {
  if (objective.labels.length === 0) {
    throw new PerennialError(
      'CONFIG_INVALID',
      `The examples weight their rows by "${column}", but this model learns without labels, and counts every row alike.`,
      { hint: 'Leave "weight" out of the preprocess step.' },
    );
  }
  return {
    ...objective,
    batch(tensors) {
      const batch = objective.batch(tensors);
      const own = tensors[WEIGHT]?.data;
      if (own === undefined) return batch;
      return { ...batch, rowWeights: Float32Array.from(own, (weight, row) => weight * (batch.rowWeights?.[row] ?? 1)) };
    },
  };
}
