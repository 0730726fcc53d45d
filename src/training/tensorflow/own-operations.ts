import type { RawBackend } from './raw-backend.ts';
import { differentiatesTwice } from './gradient-depth.ts';
import { recorder } from './recorder.ts';

// Named here: what loads the library needs this.
type Tf = typeof import('@tensorflow/tfjs-node');
type Tensor = import('@tensorflow/tfjs-node').Tensor;

let loaded = false;

/** Said by what loads TensorFlow: the operations are built where there is a compiler. */
export function ownOperationsAreLoaded(): void {
  loaded = true;
}

/** Outputs of our own operations (src/training/kernels/operations.cc), in their order. */
export const OWN_OUTPUTS = {
  PerennialGru: ['hidden', 'gates', 'recalled'],
  PerennialGruGradient: ['of_projected', 'of_kernel', 'of_recurrent', 'of_bias'],
  PerennialGruInputGradient: ['of_x'],
  PerennialLstm: ['hidden', 'gates', 'cells'],
  PerennialLstmGradient: ['of_projected', 'of_kernel', 'of_recurrent', 'of_bias'],
  PerennialLstmInputGradient: ['of_x'],
  PerennialAttention: ['mixed', 'sums'],
  PerennialAttentionGradient: ['of_joined'],
  PerennialLayerNorm: ['y', 'sums'],
  PerennialLayerNormGradient: ['of_x', 'of_scale', 'of_offset'],
  PerennialDense: ['y'],
  PerennialDenseInputGradient: ['of_x'],
  PerennialDenseGradient: ['of_kernel', 'of_bias'],
  PerennialAdam: ['next_weights', 'next_mean', 'next_variance'],
} as const;

type OwnOperation = keyof typeof OWN_OUTPUTS;

/** Where they are built, for graphs of this process alone, and where no gradient of a gradient is asked: they have none. */
export function mayUseOwnOperations(tf: Tf): boolean {
  return loaded && recorder()?.portable !== true && !differentiatesTwice(tf);
}

export interface OwnAttributes {
  readonly integers?: Readonly<Record<string, number>>;
  readonly numbers?: Readonly<Record<string, number>>;
  readonly truths?: Readonly<Record<string, boolean>>;
}

/** Runs one of our own operations. @returns its outputs in their order */
export function runOwn(
  tf: Tf,
  operation: OwnOperation,
  inputs: readonly Tensor[],
  { integers = {}, numbers = {}, truths = {} }: OwnAttributes = {},
): Tensor[] {
  const backend = tf.backend() as unknown as RawBackend;
  const { TF_ATTR_INT: integer, TF_ATTR_FLOAT: float, TF_ATTR_BOOL: bool } = backend.binding;
  const typed = (values: Readonly<Record<string, unknown>>, type: number): { name: string; type: number; value: unknown }[] =>
    Object.entries(values).map(([name, value]) => ({ name, type, value }));
  const attributes = [...typed(integers, integer!), ...typed(numbers, float!), ...typed(truths, bool!)];
  return backend.executeMultipleOutputs(operation, attributes, inputs, OWN_OUTPUTS[operation].length);
}
