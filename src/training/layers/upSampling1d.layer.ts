import { defineLayer } from './layer.ts';
import { integer } from '../model/schema-parts.ts';
import { requireRank } from './shapes.ts';
import { repeatAlong } from './shared/up-sampling.ts';

export default defineLayer<{ readonly size: number }>({
  type: 'upSampling1d',
  keras: { className: 'UpSampling1D' },
  summary: 'Repeats every step of a sequence.',
  properties: { size: integer('How often.', 2, 3) },
  outputShape(inputs, { size }) {
    const [steps, features] = requireRank(inputs, 2, 'a upSampling1d layer') as [number, number];
    return [steps * size, features];
  },
  call: (tf, [x], _weights, { size }) => repeatAlong(tf, x!, 1, size),
  mask: 'drop',
  examples: [{ inputs: [[4, 3]], config: { size: 3 } }],
});
