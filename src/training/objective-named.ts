import type { JsonObject } from '../core/json.ts';
import { architectureRegistry } from './registries.ts';

/** What the configuration of a train step is trained towards, as far as it shows: the objective it names, or the one its architecture is made for. */
export function objectiveNamed({ objective, model }: JsonObject): string {
  if (typeof objective === 'string') return objective;
  if (typeof objective === 'object' && objective !== null) return Object.keys(objective)[0] ?? 'supervised';
  const architecture = typeof model === 'object' && model !== null && !Array.isArray(model) ? model['architecture'] : undefined;
  return (typeof architecture === 'string' ? architectureRegistry.find(architecture)?.objective : undefined) ?? 'supervised';
}
