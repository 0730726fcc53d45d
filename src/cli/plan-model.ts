import type { Plan } from '../core/plan.ts';
import type { TensorSpec } from '../core/tensor.ts';
import type { LayerDescription } from '../training/describe.ts';

/** What a train step would build, as far as the data's schema tells. */
export interface PlannedModel {
  readonly step: string;
  readonly inputs: readonly TensorSpec[];
  readonly layers: readonly LayerDescription[];
  readonly parameters: number;
  readonly loss: string;
  /** Why the layers are not known before the run. */
  readonly unknown?: string;
  /** Why the model cannot be built. */
  readonly problem?: { readonly code: string; readonly message: string; readonly hint: string };
}

export async function planModels(_plan: Plan, _nominalTime: string): Promise<PlannedModel[]> {
  return [];
}
