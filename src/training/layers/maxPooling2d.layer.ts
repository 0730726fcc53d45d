import { defineLayer } from './layer.ts';
import { asPair, padding, pair } from '../model/schema-parts.ts';
import type { Pair } from '../model/schema-parts.ts';
import { requireRank, windowed } from './shapes.ts';

interface Config {
  readonly poolSize: Pair;
  readonly strides?: Pair;
  readonly padding: 'valid' | 'same';
}

export default defineLayer<Config>({
  type: 'maxPooling2d',
  summary: 'Largest value over windows of an image.',
  keras: { className: 'MaxPooling2D' },
  properties: {
    poolSize: pair('Size of the window in pixels.', 2, 2),
    strides: pair('Steps between windows in pixels. Default: the size of the window.', undefined, 2),
    padding: padding(),
  },
  outputShape(inputs, config) {
    const [height, width, channels] = requireRank(inputs, 3, 'a maxPooling2d layer') as [number, number, number];
    const [rows, columns] = asPair(config.poolSize);
    const [down, right] = asPair(config.strides ?? config.poolSize);
    return [windowed(height, rows, down, config.padding, 'height'), windowed(width, columns, right, config.padding, 'width'), channels];
  },
  call: (tf, [x], _weights, config) =>
    tf.maxPool(
      x as import('@tensorflow/tfjs-node').Tensor4D,
      asPair(config.poolSize),
      asPair(config.strides ?? config.poolSize),
      config.padding,
    ),
  mask: 'drop',
  examples: [
    { inputs: [[5, 6, 2]], config: { poolSize: 2, padding: 'valid' } },
    { inputs: [[5, 6, 2]], config: { poolSize: [2, 3], strides: [1, 2], padding: 'same' } },
  ],
});
