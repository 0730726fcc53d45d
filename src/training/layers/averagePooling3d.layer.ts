import { windowedShape } from '../convolution.ts';
import { defineLayer } from '../layer.ts';
import { asSizes, padding, sizes } from '../schema-parts.ts';
import type { Sizes } from '../schema-parts.ts';
import { requireRank } from '../shapes.ts';

interface Config {
  readonly poolSize: Sizes;
  readonly strides?: Sizes;
  readonly padding: 'valid' | 'same';
}

type Triple = [number, number, number];

export default defineLayer<Config>({
  type: 'averagePooling3d',
  keras: { className: 'AveragePooling3D' },
  summary: 'Mean over windows of a volume.',
  properties: {
    poolSize: sizes(3, 'Size of the window in voxels.', 2, 2),
    strides: sizes(3, 'Steps between windows in voxels. Default: the size of the window.', undefined, 2),
    padding: padding(),
  },
  outputShape(inputs, config) {
    const shape = requireRank(inputs, 4, 'a averagePooling3d layer');
    const window = { size: asSizes(config.poolSize, 3), strides: asSizes(config.strides ?? config.poolSize, 3), dilation: [1, 1, 1], padding: config.padding };
    return [...windowedShape(shape.slice(0, -1), window), shape.at(-1)!];
  },
  call: (tf, [x], _weights, config) => tf.avgPool3d(x as import('@tensorflow/tfjs-node').Tensor5D, asSizes(config.poolSize, 3) as Triple, asSizes(config.strides ?? config.poolSize, 3) as Triple, config.padding),
  mask: 'drop',
  examples: [
    { inputs: [[4, 5, 4, 2]], config: {} },
    { inputs: [[4, 5, 4, 2]], config: { poolSize: [1, 3, 2], strides: 2, padding: 'same' } },
  ],
});
