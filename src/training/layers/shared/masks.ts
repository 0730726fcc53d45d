import type { Tensor, Tf } from '../../tensorflow/tf.ts';

/** What merging layers give: a step counts where it does in any input; without a mask of every input, all count. */
export function anyMask(tf: Tf, _inputs: readonly Tensor[], _config: unknown, masks: readonly (Tensor | undefined)[]): Tensor | undefined {
  if (masks.some((mask) => mask === undefined)) return undefined;
  return (masks as readonly Tensor[]).reduce((merged, mask) => tf.maximum(merged, mask));
}
