import type { Json, JsonObject } from '../../core/json.ts';
import { architectureRegistry } from '../architectures/index.generated.ts';

/**
 * What the configuration of a train step is trained towards, as far as it shows: the objective it names, or the one its architecture is
 * made for.
 */
export function objectiveNamed({ objective, model }: JsonObject): string {
  if (typeof objective === 'string') return objective;
  if (typeof objective === 'object' && objective !== null) return Object.keys(objective)[0] ?? 'supervised';
  const settings = asObject(model);
  // A model that goes on where there is one is trained towards the same as the one that stands in for it.
  const architecture = settings?.['architecture'] ?? asObject(settings?.['onMissing'])?.['architecture'];
  return (typeof architecture === 'string' ? architectureRegistry.find(architecture)?.objective : undefined) ?? 'supervised';
}

function asObject(value: Json | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}
