import { defineLayer } from './layer.ts';
import { anyMask } from './shared/masks.ts';
import { requireEqualShapes, shapeError } from './shapes.ts';

export default defineLayer<Record<string, never>>({
  type: 'subtract',
  keras: { className: 'Subtract' },
  summary: 'The first of two inputs of the same shape minus the second.',
  properties: {},
  inputsMax: 2,
  outputShape(inputs) {
    if (inputs.length !== 2) throw shapeError(`subtract takes two inputs, but reads ${inputs.length}`, 'Give "inputs" with two names.');
    return requireEqualShapes(inputs, 'subtract');
  },
  call: (tf, [a, b]) => tf.sub(a!, b!),
  mask: anyMask,
  examples: [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
      config: {},
    },
  ],
});
