import { defineLayer } from './layer.ts';
import { anyMask } from './shared/masks.ts';
import { requireEqualShapes } from './shapes.ts';

export default defineLayer<Record<string, never>>({
  type: 'average',
  summary: 'Mean of several inputs of the same shape.',
  keras: { className: 'Average' },
  properties: {},
  inputsMax: 64,
  outputShape: (inputs) => requireEqualShapes(inputs, 'average'),
  call: (tf, inputs) => tf.div(tf.addN([...inputs]), inputs.length),
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
