import { defineLayer } from './layer.ts';
import { shapeError, showShape } from './shapes.ts';

export default defineLayer<{ readonly dims: readonly number[] }>({
  type: 'permute',
  keras: { className: 'Permute' },
  summary: 'The axes of an example in another order.',
  properties: {
    dims: {
      type: 'array',
      items: { type: 'integer', minimum: 1, maximum: 5 },
      minItems: 1,
      maxItems: 5,
      uniqueItems: true,
      description: 'The axes in their new order, counted from 1.',
      examples: [[2, 1]],
    },
  },
  required: ['dims'],
  outputShape([input], { dims }) {
    if (dims.length !== input!.length || dims.some((axis) => axis > dims.length)) {
      throw shapeError(
        `the order [${dims.join(', ')}] does not name the ${input!.length} axes of ${showShape(input!)} once each`,
        `Give the numbers from 1 to ${input!.length} in the new order.`,
      );
    }
    return dims.map((axis) => input![axis - 1]!);
  },
  call: (tf, [x], _weights, { dims }) => tf.transpose(x!, [0, ...dims]),
  mask: 'drop',
  examples: [{ inputs: [[2, 3, 4]], config: { dims: [3, 1, 2] } }],
});
