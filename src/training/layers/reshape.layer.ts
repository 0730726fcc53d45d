import { defineLayer } from '../layer.ts';
import { product, shapeError, showShape } from '../shapes.ts';

export default defineLayer<{ readonly shape: readonly number[] }>({
  type: 'reshape',
  summary: 'The same values in another shape.',
  properties: {
    shape: { type: 'array', items: { type: 'integer', minimum: 1 }, minItems: 1, maxItems: 5, description: 'Shape of one example.', examples: [[28, 28, 1]] },
  },
  required: ['shape'],
  outputShape([input], { shape }) {
    if (product(input!) !== product(shape)) {
      throw shapeError(`${showShape(input!)} holds ${product(input!)} values and cannot take the shape ${showShape(shape)} of ${product(shape)}`, `Give a shape of ${product(input!)} values.`);
    }
    return shape;
  },
  call: (tf, [x], _weights, { shape }) => tf.reshape(x!, [x!.shape[0]!, ...shape]),
  mask: 'drop',
  examples: [{ inputs: [[6]], config: { shape: [2, 3] } }],
});
