import { defineLayer } from './layer.ts';
import { anyMask } from './shared/masks.ts';
import { requireEqualShapes } from './shapes.ts';

export default defineLayer<Record<string, never>>({
  type: 'maximum',
  summary: 'Largest of several inputs, value by value.',
  keras: { className: 'Maximum' },
  properties: {},
  inputsMax: 64,
  outputShape: (inputs) => requireEqualShapes(inputs, 'maximum'),
  call: (tf, inputs) => inputs.slice(1).reduce((merged, input) => tf.maximum(merged, input), inputs[0]!),
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
