import { driftRegistry } from '../monitoring/drift/index.generated.ts';
import { jointRegistry } from '../monitoring/joint/index.generated.ts';
import { measureRegistry } from '../monitoring/measures/index.generated.ts';
import { transformRegistry } from '../data/transforms/index.generated.ts';
import { metricRegistry } from '../evaluation/metrics/index.generated.ts';
import { architectureRegistry } from '../training/architectures/index.generated.ts';
import { callbackRegistry } from '../training/callbacks/index.generated.ts';
import { layerRegistry } from '../training/layers/index.generated.ts';
import { lossRegistry } from '../training/losses/index.generated.ts';
import { optimizerRegistry } from '../training/optimizers/index.generated.ts';
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
  jointRegistry,
  measureRegistry,
];

/** Which of the names was meant: what other programs call one of them, else the nearest spelling. */
export function meantBy(given: string, names: readonly string[]): string | undefined {
  for (const registry of REGISTRIES) {
    const meant = registry.meant(given);
    if (meant !== undefined && names.includes(meant)) return meant;
  }
  return nearest(given, names);
}
