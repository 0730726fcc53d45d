import { withoutGradient } from '../tensorflow/gradients.ts';
import { defineLayer } from './layer.ts';
import { number } from '../model/schema-parts.ts';
import { shapeError, showShape } from './shapes.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

/** [batch, steps], 1 where any feature is another value. */
const counting = (tf: Tf, x: Tensor, value: number): Tensor =>
  withoutGradient(tf, () => tf.cast(tf.any(tf.notEqual(x, value), -1), 'float32'));

export default defineLayer<{ readonly maskValue: number }>({
  type: 'masking',
  keras: { className: 'Masking' },
  summary: 'Steps whose features are all one value are padding: they become 0, and later layers leave them out.',
  properties: { maskValue: number('The value.', 0, -1) },
  outputShape([input]) {
    if (input!.length < 2)
      throw shapeError(
        `a masking layer reads sequences [steps, features], but its input has the shape ${showShape(input!)}`,
        'Put an embedding layer with "maskZero": true before token ids; other vectors have no steps.',
      );
    return input!;
  },
  call: (tf, [x], _weights, { maskValue }) => tf.mul(x!, tf.expandDims(counting(tf, x!, maskValue), x!.rank - 1)),
  mask: (tf, [x], { maskValue }) => counting(tf, x!, maskValue),
  examples: [{ inputs: [[4, 3]], config: {} }],
});
