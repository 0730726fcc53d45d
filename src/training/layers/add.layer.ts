import { defineLayer } from './layer.ts';
import { anyMask } from './shared/masks.ts';
import { requireEqualShapes } from './shapes.ts';

export default defineLayer<Record<string, never>>({
  type: 'add',
  summary: 'Sum of several inputs of the same shape.',
  keras: { className: 'Add' },
  properties: {},
  inputsMax: 64,
  outputShape: (inputs) => requireEqualShapes(inputs, 'add'),
  call: (tf, inputs) => inputs.slice(1).reduce((merged, input) => tf.add(merged, input), inputs[0]!),
  plain: () => (inputs, output) => {
    output.fill(0);
    for (const values of inputs) for (let at = 0; at < output.length; at += 1) output[at]! += values[at]!;
  },
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
