import { defineLayer } from './layer.ts';
import { number } from '../model/schema-parts.ts';

export default defineLayer<{ readonly scale: number; readonly offset: number }>({
  type: 'rescaling',
  summary: 'x · scale + offset, e.g. pixels 0 to 255 to 0 to 1.',
  keras: { className: 'Rescaling' },
  properties: {
    scale: number('Factor.', 1, 0.00392156862745098),
    offset: number('Added after the factor.', 0, -1),
  },
  outputShape: ([input]) => input!,
  call: (tf, [x], _weights, { scale, offset }) => tf.add(tf.mul(x!, scale), offset),
  examples: [{ inputs: [[4]], config: { scale: 0.5, offset: -1 } }],
});
