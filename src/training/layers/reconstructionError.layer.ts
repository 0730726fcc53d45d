import { defineLayer } from './layer.ts';
import { product, shapeError, showShape } from './shapes.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

/** How far a value lies from what it was rebuilt as. */
export type ErrorKind = 'squared' | 'absolute';

export default defineLayer<{ readonly error: ErrorKind }>({
  type: 'reconstructionError',
  summary:
    'How far the last of its inputs, a reconstruction, lies from the ones before it: the mean over all values of an example. An autoencoder ends with it.',
  properties: {
    error: { enum: ['squared', 'absolute'], default: 'squared', description: 'Square or size of the differences.', examples: ['absolute'] },
  },
  inputsMax: 64,
  outputShape(inputs) {
    const originals = inputs.slice(0, -1);
    const rebuilt = inputs.at(-1)!;
    const size = originals.reduce((sum, shape) => sum + product(shape), 0);
    if (originals.length === 0)
      throw shapeError(
        'it compares its last input with the ones before it, but has only one',
        'Give "inputs": [original, reconstruction].',
      );
    if (product(rebuilt) !== size)
      throw shapeError(
        `the reconstruction ${showShape(rebuilt)} holds ${product(rebuilt)} values, what it is compared with (${originals.map(showShape).join(', ')}) ${size}`,
        `Let the reconstruction have ${size} values.`,
      );
    return [1];
  },
  call: (tf, inputs, _weights, { error }) =>
    tf.mean(differences(tf, joined(tf, inputs.slice(0, -1)), joined(tf, inputs.slice(-1)), error), 1, true),
  plain: (shapes, _weights, { error }) => {
    const size = product(shapes.at(-1)!);
    return (inputs, output) => {
      const rebuilt = inputs.at(-1)!;
      for (let row = 0; row < output.length; row += 1) {
        let sum = 0;
        let at = row * size;
        for (const [index, original] of inputs.slice(0, -1).entries()) {
          const width = product(shapes[index]!);
          for (let from = row * width; from < (row + 1) * width; from += 1, at += 1) {
            const difference = original[from]! - rebuilt[at]!;
            sum += error === 'absolute' ? Math.abs(difference) : difference ** 2;
          }
        }
        output[row] = sum / size;
      }
    };
  },
  mask: 'drop',
  examples: [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
      config: {},
    },
    { inputs: [[4], [2, 1], [6]], config: { error: 'absolute' } },
  ],
  reference: 'https://www.deeplearningbook.org/contents/autoencoders.html',
});

function differences(tf: Tf, original: Tensor, rebuilt: Tensor, error: ErrorKind): Tensor {
  return error === 'absolute' ? tf.abs(tf.sub(original, rebuilt)) : tf.squaredDifference(original, rebuilt);
}

/** All values of an example in a row, [batch, values]. */
export function joined(tf: Tf, tensors: readonly Tensor[]): Tensor {
  const flat = tensors.map((tensor) => tf.reshape(tensor, [tensor.shape[0], product(tensor.shape.slice(1))]));
  return flat.length === 1 ? flat[0]! : tf.concat(flat, 1);
}
