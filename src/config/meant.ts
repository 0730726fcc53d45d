import { driftRegistry } from '../monitoring/settings.ts';
import { transformRegistry } from '../data/preprocess/chain.ts';
import { metricRegistry } from '../evaluation/metrics/resolve-metrics.ts';
import { architectureRegistry, callbackRegistry, layerRegistry, lossRegistry, optimizerRegistry } from '../training/losses/resolve-loss.ts';
import { nearest } from './diagnostic.ts';

const REGISTRIES = [
  metricRegistry,
  lossRegistry,
  optimizerRegistry,
  layerRegistry,
  architectureRegistry,
  callbackRegistry,
  transformRegistry,
  driftRegistry,
];

/** Which of the names was meant: what other programs call one of them, else the nearest spelling. */
export function meantBy(given: string, names: readonly string[]): string | undefined {
  for (const registry of REGISTRIES) {
    const meant = registry.meant(given);
    if (meant !== undefined && names.includes(meant)) return meant;
  }
  return nearest(given, names);
}
