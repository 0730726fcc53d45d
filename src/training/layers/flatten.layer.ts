import { passed } from './shared/plain.ts';
import { defineLayer } from './layer.ts';
import { product } from './shapes.ts';

export default defineLayer<Record<string, never>>({
  type: 'flatten',
  summary: 'All values of an example as one vector.',
  keras: { className: 'Flatten' },
  properties: {},
  outputShape: ([input]) => [product(input!)],
  call: (tf, [x]) => tf.reshape(x!, [x!.shape[0], -1]),
  mask: 'drop',
  plain: () => passed,
  examples: [{ inputs: [[3, 4]], config: {} }],
});
