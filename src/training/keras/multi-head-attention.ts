import type { JsonObject } from '../../core/json.ts';
import type { KerasMapping } from './mapping.ts';

interface Config {
  readonly causal: boolean;
}

/** Keras says in the call what a step may see, and gives query, value and key as arguments of their own. */
export const multiHeadAttentionMapping: KerasMapping<Config> = {
  className: 'MultiHeadAttention',
  keras3Only: true,
  omit: ['causal'],
  keys: { outputDim: 'output_shape' },
  reads: ['use_causal_mask', 'attention_axes', 'use_gate', 'sliding_window', 'flash_attention'],
  fromKeras(translated, keras, { refuse }) {
    const { attention_axes: axes, use_gate: gate, sliding_window: window } = keras;
    if (Array.isArray(axes) && (axes.length !== 1 || axes[0] !== 1))
      throw refuse(`attention over the axes ${JSON.stringify(axes)}; only attention over steps is read`);
    if (gate === true) throw refuse('a gate on its output, which is not known here');
    if (window !== undefined && window !== null) throw refuse('a sliding window, which is not known here');
    return { ...translated, causal: keras['use_causal_mask'] === true };
  },
  weightPath: (weight) => weight.replace(/^output/, 'attention_output').replace(/(Kernel|Bias)$/, (part) => `/${part.toLowerCase()}`),
  call: { inputs: ['value', 'key'], settings: ({ causal }): JsonObject => (causal ? { use_causal_mask: true } : {}) },
};
