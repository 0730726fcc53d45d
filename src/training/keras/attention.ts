import type { JsonObject } from '../../core/json.ts';
import type { KerasMapping } from './mapping.ts';

/** Attention and AdditiveAttention: a list of query, value and key; what a step may see is said in the call. */
export function attentionMapping(className: 'Attention' | 'AdditiveAttention'): KerasMapping<{ readonly causal: boolean }> {
  return {
    className,
    omit: ['causal'],
    reads: ['use_causal_mask', 'score_mode'],
    fromKeras(translated, keras, { refuse }) {
      if ((keras.score_mode ?? 'dot') !== 'dot') throw refuse(`the score_mode ${JSON.stringify(keras.score_mode)}; only "dot" is read`);
      return { ...translated, causal: keras.use_causal_mask === true };
    },
    call: { inputsMin: 2, settings: ({ causal }): JsonObject => (causal ? { use_causal_mask: true } : {}) },
  };
}
