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

/** D. Bahdanau et al.: Neural Machine Translation by Jointly Learning to Align and Translate (2015). */
export default defineLayer<Config>({
  type: 'additiveAttention',
  keras: attentionMapping('AdditiveAttention'),
  summary:
    'Each step of the first input takes up a mean of the steps of the second, weighted by the sum of tanh(query + key). One input attends to itself; a third gives the keys.',
  properties: {
    useScale: bool('Multiply each feature by a trained factor before the sum.', true),
    causal: bool('A step sees steps up to its own place only.', false),
    dropout: rate('Share of the attention weights set to zero.', 0),
  },
  inputsMax: 3,
  outputShape(inputs) {
    const [query, value] = comparableSequences(inputs, 'an additiveAttention layer');
    return [query[0]!, value[1]!];
  },
  weights: ([query], { useScale }) =>
    useScale ? [{ name: 'scale', shape: [query!.at(-1)!], initializer: 'glorotUniform', trainable: true }] : [],
  call(tf, inputs, { scale }, config, context) {
    const [query, value, key] = rolesOf(inputs);
    const features = tf.tanh(tf.add(tf.expandDims(query, 2), tf.expandDims(key, 1)));
    return scoredAttention(tf, tf.sum(scale === undefined ? features : tf.mul(features, scale), -1), value, config, context);
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
