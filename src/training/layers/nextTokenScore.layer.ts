import { nextTokens } from '../objectives/shared/next-token.ts';
import { defineLayer } from './layer.ts';
import { requireRank, shapeError, showShape } from './shapes.ts';

/** Smaller shares count as this one, so that their logarithms and the gradients of those are finite. */
const LEAST = 1e-12;

export default defineLayer<object>({
  type: 'nextTokenScore',
  summary:
    'How well each next token was foreseen. Of shares of the tokens [steps, tokens] and token ids [steps], per step: the negative log of the share of the token that follows, whether it had the largest, and whether there is one to follow.',
  properties: {},
  inputsMax: 2,
  outputShape([shares, ids]) {
    const [steps] = requireRank([shares!], 2, 'a nextTokenScore layer') as [number, number];
    if (ids?.length !== 1 || ids[0] !== steps)
      throw shapeError(
        `it compares ${showShape(shares!)} with token ids [${steps}], and has ${ids === undefined ? 'no ids' : `the ids ${showShape(ids)}`}`,
        'Give "inputs": [shares, ids].',
      );
    return [steps, 3];
  },
  call(tf, [shares, ids]) {
    const { targets, counted } = nextTokens(tf, ids!);
    const own = tf.oneHot(tf.cast(targets, 'int32'), shares!.shape[2]!);
    const share = tf.sum(tf.mul(shares!, tf.cast(own, 'float32')), 2);
    const hit = tf.cast(tf.equal(tf.argMax(shares!, 2), tf.cast(targets, 'int32')), 'float32');
    return tf.stack([tf.mul(tf.neg(tf.log(tf.maximum(share, LEAST))), counted), tf.mul(hit, counted), counted], 2);
  },
  mask: 'drop',
  examples: [{ inputs: [[4, 3], [4]], config: {} }],
  reference: 'https://www.deeplearningbook.org/contents/rnn.html',
});
