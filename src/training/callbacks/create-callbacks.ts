import { bestWeights } from './best-weights.ts';
import type { Callback, TrainingFacts } from './callback.ts';
import { resolveNamed } from '../model/named.ts';
import type { Objective } from '../objectives/objective.ts';
import { callbackRegistry } from './index.generated.ts';
import type { TrainConfig } from '../step/train-config.ts';

/**
 * The callbacks of a train step, and what follows the best checkpoint.
 *
 * @param validated there are validation rows
 * @throws CONFIG_INVALID where one watches what this training does not report
 */
export function createCallbacks(
  config: Pick<TrainConfig, 'callbacks' | 'checkpoint'>,
  { numbers, metrics }: Pick<Objective, 'numbers' | 'metrics'>,
  course: Omit<TrainingFacts, 'numbers'>,
  validated: boolean,
): Callback[] {
  const facts = { ...course, numbers: [...numbers, ...(validated ? ['validationLoss', ...metrics] : [])] };
  const { best } = config.checkpoint;
  const callbacks = config.callbacks.map((named) => {
    const { definition, config: settings } = resolveNamed(callbackRegistry, named);
    const callback = definition.create(settings, facts);
    return best === undefined ? callback : { ...callback, restoreBest: false };
  });
  return best === undefined ? callbacks : [...callbacks, bestWeights(best, facts)];
}
