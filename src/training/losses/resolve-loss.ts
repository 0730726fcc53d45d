import { DefinitionRegistry } from '../../core/registry.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import { architectures } from '../architectures/index.generated.ts';
import { callbacks } from '../callbacks/index.generated.ts';
import { layers } from '../layers/index.generated.ts';
import { provideLayers } from '../model/layer-lookup.ts';
import type { LossDefinition } from './loss.ts';
import { losses } from './index.generated.ts';
import { resolveNamed } from '../model/named.ts';
import type { Named, Resolved } from '../model/named.ts';
import { optimizers } from '../optimizers/index.generated.ts';

export const layerRegistry = new DefinitionRegistry('layer', layers, (layer) => layer.type);
provideLayers(
  (type) => layerRegistry.get(type, 'MODEL_INVALID'),
  () => layerRegistry.all(),
);
export const architectureRegistry = new DefinitionRegistry('architecture', architectures, (architecture) => architecture.name);
export const optimizerRegistry = new DefinitionRegistry('optimizer', optimizers, (optimizer) => optimizer.name);
export const lossRegistry = new DefinitionRegistry('loss', losses, (loss) => loss.name);
export const callbackRegistry = new DefinitionRegistry('callback', callbacks, (callback) => callback.name);

/** The loss of a train step; left out, it follows from the output. */
export function resolveLoss(named: Named | undefined, output: OutputSpec): Resolved<LossDefinition> {
  return resolveNamed(lossRegistry, named ?? (output.kind === 'classes' ? 'categoricalCrossentropy' : 'meanSquaredError'));
}
