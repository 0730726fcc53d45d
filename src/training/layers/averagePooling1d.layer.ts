import { defineLayer } from './layer.ts';
import { integer, padding } from '../model/schema-parts.ts';
import { requireRank, windowed } from './shapes.ts';

interface Config {
  readonly poolSize: number;
  readonly strides?: number;
  readonly padding: 'valid' | 'same';
}

export default defineLayer<Config>({
  type: 'averagePooling1d',
  summary: 'Mean over windows of a sequence.',
  keras: { className: 'AveragePooling1D' },
  properties: {
    poolSize: integer('Size of the window in steps.', 2, 2),
    strides: integer('Steps between windows. Default: the size of the window.', undefined, 2),
    padding: padding(),
  },
  outputShape(inputs, config) {
    const [steps, channels] = requireRank(inputs, 2, 'a averagePooling1d layer') as [number, number];
    return [windowed(steps, config.poolSize, config.strides ?? config.poolSize, config.padding, 'steps'), channels];
  },
  call(tf, [x], _weights, config) {
    const image = tf.expandDims(x!, 2) as import('@tensorflow/tfjs-node').Tensor4D;
    return tf.squeeze(tf.avgPool(image, [config.poolSize, 1], [config.strides ?? config.poolSize, 1], config.padding), [2]);
  },
  mask: 'drop',
  examples: [
    { inputs: [[7, 2]], config: { poolSize: 2, padding: 'valid' } },
    { inputs: [[7, 2]], config: { poolSize: 3, strides: 2, padding: 'same' } },
  ],
});
