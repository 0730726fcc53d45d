import { passed } from './shared/plain.ts';
import { defineLayer } from './layer.ts';
import type { KerasReading } from '../keras/mapping.ts';
import { product, shapeError, showShape } from './shapes.ts';

export default defineLayer<{ readonly shape: readonly number[] }>({
  type: 'reshape',
  summary: 'The same values in another shape.',
  keras: { className: 'Reshape', keys: { shape: 'target_shape' }, fromKeras: resolveFreeAxis },
  properties: {
    shape: {
      type: 'array',
      items: { type: 'integer', minimum: 1 },
      minItems: 1,
      maxItems: 5,
      description: 'Shape of one example.',
      examples: [[28, 28, 1]],
    },
  },
  required: ['shape'],
  outputShape([input], { shape }) {
    if (product(input!) !== product(shape)) {
      throw shapeError(
        `${showShape(input!)} holds ${product(input!)} values and cannot take the shape ${showShape(shape)} of ${product(shape)}`,
        `Give a shape of ${product(input!)} values.`,
      );
    }
    return shape;
  },
  call: (tf, [x], _weights, { shape }) => tf.reshape(x!, [x!.shape[0], ...shape]),
  plain: () => passed,
  mask: 'drop',
  examples: [{ inputs: [[6]], config: { shape: [2, 3] } }],
});

/** Keras leaves one axis of a target open by -1. */
function resolveFreeAxis(translated: Record<string, unknown>, _keras: unknown, { inputs }: KerasReading): Record<string, unknown> {
  const shape = translated.shape as number[];
  const known = product(shape.filter((axis) => axis !== -1));
  return { ...translated, shape: shape.map((axis) => (axis === -1 ? product(inputs[0]!) / known : axis)) };
}
