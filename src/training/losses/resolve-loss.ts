import type { OutputSpec } from '../../core/tensor.ts';
import { resolveNamed } from '../model/named.ts';
import type { Named, Resolved } from '../model/named.ts';
import { lossRegistry } from './index.generated.ts';
import type { LossDefinition } from './loss.ts';

/** The loss of a train step; left out, it follows from the output. */
export function resolveLoss(named: Named | undefined, output: OutputSpec): Resolved<LossDefinition> {
  return resolveNamed(lossRegistry, named ?? (output.kind === 'classes' ? 'categoricalCrossentropy' : 'meanSquaredError'));
}
