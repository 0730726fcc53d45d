import { bestWeights } from './best-weights.ts';
import type { Callback, TrainingFacts } from './callback.ts';
import { resolveNamed } from '../model/named.ts';
import type { Objective } from '../objectives/objective.ts';
import earlyStopping from './earlyStopping.callback.ts';
import { callbackRegistry } from './index.generated.ts';
import type { TrainConfig } from '../step/train-config.ts';

/**
 * The callbacks of a train step, and what follows the best checkpoint.
 *
 * @param validated there are validation rows
 * @throws CONFIG_INVALID where one watches what this training does not report
 */
export function createCallbacks(
  config: Pick<TrainConfig, 'callbacks' | 'checkpoint' | 'earlyStopping'>,
  { numbers, metrics, parts }: Pick<Objective, 'numbers' | 'metrics' | 'parts'>,
  course: Omit<TrainingFacts, 'numbers'>,
  validated: boolean,
): Callback[] {
  const facts = { ...course, numbers: [...numbers, ...(validated ? ['validationLoss', ...metrics] : [])] };
  const { best } = config.checkpoint;
  if (protects(config) && validated && parts.length === 1)
    return [earlyStopping.create({ ...WATCHED, patience: usualPatience(facts.epochs), restoreBest: true, startFromEpoch: 1 }, facts)];
  const callbacks = config.callbacks.map((named) => {
    const { definition, config: settings } = resolveNamed(callbackRegistry, named);
    const callback = definition.create(settings, facts);
    return best === undefined ? callback : { ...callback, restoreBest: false };
  });
  return best === undefined ? callbacks : [...callbacks, bestWeights(best, facts)];
}

const WATCHED = { monitor: 'validationLoss', better: 'auto', minDelta: 0 } as const;

/** Whether training ends by itself where there are validation rows: nothing is declared of when it ends and which weights are kept. */
export function protects({
  callbacks,
  checkpoint,
  earlyStopping: stops,
}: Pick<TrainConfig, 'callbacks' | 'checkpoint' | 'earlyStopping'>): boolean {
  return stops === 'auto' && callbacks.length === 0 && checkpoint.best === undefined;
}

/** The number by whose best epoch a training chooses its weights; undefined: they are those of its last epoch. */
export function keptBy(config: Pick<TrainConfig, 'callbacks' | 'checkpoint' | 'earlyStopping'>): string | undefined {
  if (protects(config)) return WATCHED.monitor;
  if (config.checkpoint.best !== undefined) return config.checkpoint.best.monitor ?? WATCHED.monitor;
  const watcher = config.callbacks
    .map((named) => resolveNamed(callbackRegistry, named))
    .find(({ definition, config: settings }) => definition.name === earlyStopping.name && settings['restoreBest'] !== false);
  return watcher === undefined ? undefined : String(watcher.config['monitor'] ?? WATCHED.monitor);
}

/** Epochs without improvement after which a training ends that declares nothing. */
export function usualPatience(epochs: number): number {
  return Math.max(5, Math.ceil(epochs / 10));
}
