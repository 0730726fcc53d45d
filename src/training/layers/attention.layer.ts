import { scoredAttention } from './shared/attention.ts';
import { comparableSequences, rolesOf } from './shared/attention-inputs.ts';
import { attentionMapping } from '../keras/attention.ts';
import { defineLayer } from './layer.ts';
import { bool, rate } from '../model/schema-parts.ts';

interface Config {
  readonly useScale: boolean;
  readonly causal: boolean;
  readonly dropout: number;
}

/** M.-T. Luong et al.: Effective Approaches to Attention-based Neural Machine Translation (2015). */
export default defineLayer<Config>({
  type: 'attention',
  keras: attentionMapping('Attention'),
  summary:
    'Each step of the first input takes up a mean of the steps of the second, weighted by their dot products. One input attends to itself; a third gives the keys.',
  properties: {
    useScale: bool('Multiply the dot products by a trained factor.', false),
    causal: bool('A step sees steps up to its own place only.', false),
    dropout: rate('Share of the attention weights set to zero.', 0),
  },
  inputsMax: 3,
  outputShape(inputs) {
    const [query, value] = comparableSequences(inputs, 'an attention layer');
    return [query[0]!, value[1]!];
  },
  weights: (_inputs, { useScale }) => (useScale ? [{ name: 'scale', shape: [], initializer: 'ones', trainable: true }] : []),
  call(tf, inputs, { scale }, config, context) {
    const [query, value, key] = rolesOf(inputs);
    const products = tf.matMul(query, key, false, true);
    return scoredAttention(tf, scale === undefined ? products : tf.mul(products, scale), value, config, context);
  },
  examples: [
    { inputs: [[4, 3]], config: { useScale: true, causal: true, dropout: 0 } },
    {
      inputs: [
        [4, 3],
        [5, 2],
        [5, 3],
      ],
      config: { useScale: false, causal: false, dropout: 0.5 },
    },
  ],
  mask: (_tf, _inputs, _config, [mask]) => mask,
});
