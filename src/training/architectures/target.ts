import type { OutputSpec } from '../../core/tensor.ts';
import type { LossDefinition } from '../losses/loss.ts';
import type { Resolved } from '../model/named.ts';

export interface Target extends TargetHead {
  /** Of several outputs: each with its own. */
  readonly heads?: readonly TargetHead[];
}

/** One output with its loss. */
export interface TargetHead {
  readonly output: OutputSpec;
  readonly loss: Resolved<LossDefinition>;
}
