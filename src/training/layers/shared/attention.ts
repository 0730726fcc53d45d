import { dropoutMask, dropped } from './dropout.ts';
import type { CallContext } from '../layer.ts';
import { runOwn } from '../../tensorflow/own-operations.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

/** Added to the score of a step that must not be seen: nothing is left of it after the softmax. */
const UNSEEN = -1e9;

export interface AttentionSizes {
  readonly batch: number;
  readonly heads: number;
  readonly steps: number;
  /** Steps that are looked at. */
  readonly sources: number;
}

export interface AttentionOptions {
  readonly causal: boolean;
  readonly dropout: number;
  /** [batch, sources], 1 where a step may be looked at. */
  readonly mask: Tensor | undefined;
}

/** [rows, heads · size] → [heads, rows, size]. */
export function splitHeads(tf: Tf, x: Tensor, heads: number): Tensor {
  const [rows, width] = x.shape as [number, number];
  return tf.transpose(tf.reshape(x, [rows, heads, width / heads]), [1, 0, 2]);
}

/** [heads, rows, size] → [rows, heads · size]. */
export function joinHeads(tf: Tf, x: Tensor): Tensor {
  const [heads, rows, size] = x.shape as [number, number, number];
  return tf.reshape(tf.transpose(x, [1, 0, 2]), [rows, heads * size]);
}

/** softmax(queries · keysᵀ) · values. All are [heads, batch · steps, size]; the queries are scaled already. */
export function attend(
  tf: Tf,
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  sizes: AttentionSizes,
  options: AttentionOptions,
  context: CallContext,
): Tensor {
  const { batch, heads, steps, sources } = sizes;
  const offset = scoreOffset(tf, { batch, steps, sources }, options);
  const kept =
    context.training && options.dropout > 0 ? dropoutMask(tf, [heads * batch, steps, sources], options.dropout, context.seed) : undefined;
  const apart = (x: Tensor, length: number): Tensor => tf.reshape(x, [heads * batch, length, x.shape.at(-1)!]);
  const mixed = attention(tf, sizes, offset, kept)(apart(queries, steps), apart(keys, sources), apart(values, sources));
  return tf.reshape(mixed, [heads, batch * steps, values.shape.at(-1)!]);
}

/**
 * Attention with a gradient of its own. The sum over sources of share · its gradient, which the gradient of a softmax needs, is taken
 * from output · its gradient, which is much smaller (T. Dao et al.: FlashAttention, 2022, appendix B.2). The gradient starts from queries,
 * keys and values again, so that it can be differentiated too; a graph shares what both need.
 *
 * @param offset of the scores
 * @param kept factors of the shares: dropout
 */
function attention(
  tf: Tf,
  sizes: AttentionSizes,
  offset: Tensor | undefined,
  kept: Tensor | undefined,
): (queries: Tensor, keys: Tensor, values: Tensor) => Tensor {
  const extras = [offset, kept].filter((each) => each !== undefined);
  return tf.customGrad((...args: unknown[]) => {
    const [queries, keys, values, save] = args as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
    save([queries, keys, values, ...extras]);
    const shares = shareOut(tf, queries, keys, sizes, offset);
    return {
      value: tf.matMul(kept === undefined ? shares : tf.mul(shares, kept), values),
      gradFunc(dy: Tensor, saved: Tensor[]) {
        const [q, k, v, ...more] = saved as [Tensor, Tensor, Tensor, ...Tensor[]];
        const again = shareOut(tf, q, k, sizes, offset === undefined ? undefined : more[0]);
        const drop = (x: Tensor): Tensor => (kept === undefined ? x : tf.mul(x, more.at(-1)!));
        const used = drop(again);
        const along = tf.sum(tf.mul(dy, tf.matMul(used, v)), -1, true);
        const scores = tf.mul(again, tf.sub(drop(tf.matMul(dy, v, false, true)), along));
        return [tf.matMul(scores, k), tf.matMul(scores, q, true), tf.matMul(used, dy, true)];
      },
    };
  }) as (queries: Tensor, keys: Tensor, values: Tensor) => Tensor;
}

/**
 * A sequence's attention to itself, by one operation for all heads and one for its gradient.
 *
 * @param joined queries, keys and values side by side, [batch · steps, 3 · heads · size]
 * @returns [batch · steps, heads · size]
 */
export function attendJoined(
  tf: Tf,
  joined: Tensor,
  { batch, heads, steps }: Omit<AttentionSizes, 'sources'>,
  { causal, mask }: Pick<AttentionOptions, 'causal' | 'mask'>,
): Tensor {
  const attributes = { integers: { steps, heads }, truths: { causal } };
  const offset = mask === undefined ? tf.zeros([0, 0]) : tf.reshape(tf.mul(tf.sub(1, mask), UNSEEN), [batch, steps]);
  return tf.customGrad((...args: unknown[]) => {
    const [x, save] = args as [Tensor, (tensors: Tensor[]) => void];
    const [mixed, sums] = runOwn(tf, 'PerennialAttention', [x, offset], attributes) as [Tensor, Tensor];
    save([x, offset, mixed, sums]);
    return {
      value: mixed,
      gradFunc: (dy: Tensor, saved: Tensor[]) => runOwn(tf, 'PerennialAttentionGradient', [dy, ...saved], attributes)[0]!,
    };
  })(joined);
}

/** How much of each source a step takes up, [heads · batch, steps, sources]. */
function shareOut(
  tf: Tf,
  queries: Tensor,
  keys: Tensor,
  { batch, heads, steps, sources }: AttentionSizes,
  offset: Tensor | undefined,
): Tensor {
  const scores = tf.matMul(queries, keys, false, true);
  if (offset === undefined) return tf.softmax(scores);
  return tf.reshape(tf.softmax(tf.add(tf.reshape(scores, [heads, batch, steps, sources]), offset)), scores.shape);
}

/** 0 where a step may be seen, else {@link UNSEEN}: [1 or batch, 1 or steps, sources]. Undefined where every step is seen. */
export function scoreOffset(
  tf: Tf,
  { batch, steps, sources }: Omit<AttentionSizes, 'heads'>,
  { causal, mask }: Pick<AttentionOptions, 'causal' | 'mask'>,
): Tensor | undefined {
  const padding = mask === undefined ? undefined : tf.reshape(tf.mul(tf.sub(1, mask), UNSEEN), [batch, 1, sources]);
  if (!causal) return padding;
  const later = tf.greater(tf.reshape(tf.range(0, sources), [1, 1, sources]), tf.reshape(tf.range(0, steps), [1, steps, 1]));
  const future = tf.mul(tf.cast(later, 'float32'), UNSEEN);
  return padding === undefined ? future : tf.minimum(padding, future);
}

/** The mean of `values` [batch, sources, features] by scores [batch, steps, sources]; zeros for masked queries, as in Keras. */
export function scoredAttention(
  tf: Tf,
  scores: Tensor,
  values: Tensor,
  { causal, dropout }: Omit<AttentionOptions, 'mask'>,
  context: CallContext,
): Tensor {
  const [batch, steps, sources] = scores.shape as [number, number, number];
  const [queryMask, valueMask] = context.masks.length > 1 ? context.masks : [context.masks[0], context.masks[0]];
  const offset = scoreOffset(tf, { batch, steps, sources }, { causal, mask: valueMask });
  const shares = tf.softmax(offset === undefined ? scores : tf.add(scores, offset));
  const mixed = tf.matMul(dropped(tf, shares, dropout, context), values);
  return queryMask === undefined ? mixed : tf.mul(mixed, tf.expandDims(queryMask, 2));
}
