import { defineLayer } from './layer.ts';
import { requireRank, shapeError, showShape } from './shapes.ts';

export default defineLayer<object>({
  type: 'lastToken',
  summary:
    'The step of a sequence at which its token ids, the second input, end: the last whose id is not 0, or the first where all are. A language model ends with it.',
  properties: {},
  inputsMax: 2,
  outputShape([sequence, ids]) {
    const [steps, width] = requireRank([sequence!], 2, 'a lastToken layer') as [number, number];
    if (ids?.length !== 1 || ids[0] !== steps)
      throw shapeError(
        `it takes one step of ${showShape(sequence!)} by the place where token ids [${steps}] end, and has ${ids === undefined ? 'no ids' : `the ids ${showShape(ids)}`}`,
        'Give "inputs": [sequence, ids].',
      );
    return [width];
  },
  call(tf, [sequence, ids]) {
    const steps = sequence!.shape[1]!;
    const places = tf.mul(tf.cast(tf.notEqual(ids!, 0), 'float32'), tf.reshape(tf.range(1, steps + 1), [1, steps]));
    const last = tf.equal(tf.reshape(tf.range(1, steps + 1), [1, steps]), tf.maximum(tf.max(places, 1, true), 1));
    return tf.squeeze(tf.matMul(tf.expandDims(tf.cast(last, 'float32'), 1), sequence!), [1]);
  },
  mask: 'drop',
  examples: [{ inputs: [[4, 3], [4]], config: {} }],
  reference: 'https://www.deeplearningbook.org/contents/rnn.html',
});
