import { passed } from './shared/plain.ts';
import { defineLayer } from './layer.ts';
import { number } from '../model/schema-parts.ts';
import { statelessNormal } from '../tensorflow/tf.ts';

export default defineLayer<{ readonly stddev: number }>({
  type: 'gaussianNoise',
  summary: 'While training, adds normal noise; otherwise passes values through.',
  keras: { className: 'GaussianNoise' },
  properties: { stddev: number('Standard deviation of the noise.', undefined, 0.1, { minimum: 0 }) },
  required: ['stddev'],
  augmentation: true,
  outputShape: ([input]) => input!,
  call: (tf, [x], _weights, { stddev }, context) =>
    context.training ? tf.add(x!, tf.mul(statelessNormal(tf, x!.shape, context.seed), stddev)) : x!,
  plain: () => passed,
  examples: [{ inputs: [[8]], config: { stddev: 0.3 } }],
});
