import { defineLayer } from './layer.ts';
import { anyMask } from './shared/masks.ts';
import { requireEqualShapes } from './shapes.ts';

export default defineLayer<Record<string, never>>({
  type: 'multiply',
  summary: 'Product of several inputs of the same shape.',
  keras: { className: 'Multiply' },
  properties: {},
  inputsMax: 64,
  outputShape: (inputs) => requireEqualShapes(inputs, 'multiply'),
  call: (tf, inputs) => inputs.slice(1).reduce((merged, input) => tf.mul(merged, input), inputs[0]!),
  mask: anyMask,
  examples: [
    {
      inputs: [
        [2, 3],
        [2, 3],
        [2, 3],
      ],
      config: {},
    },
  ],
});
