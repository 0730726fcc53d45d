import { convolution } from '../convolution.ts';
import type { ConvolutionConfig } from '../convolution.ts';
import { activate } from '../activations.ts';
import { addBias } from '../bias.ts';
import { defineLayer } from '../layer.ts';
import { asPair, pair } from '../schema-parts.ts';
import type { Pair } from '../schema-parts.ts';
import { requireRank, windowed } from '../shapes.ts';

interface Config extends ConvolutionConfig {
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly padding: 'valid' | 'same';
}

export default defineLayer<Config>({
  type: 'conv2d',
  summary: 'Convolution over an image.',
  keras: { className: 'Conv2D' },
  properties: {
    ...convolution.properties(false),
    kernelSize: pair('Size of the window in pixels.', undefined, 3),
    strides: pair('Steps between windows in pixels.', 1, 2),
  },
  required: ['filters', 'kernelSize'],
  outputShape(inputs, config) {
    const [height, width] = requireRank(inputs, 3, 'a conv2d layer') as [number, number, number];
    const [rows, columns] = asPair(config.kernelSize);
    const [down, right] = asPair(config.strides);
    return [windowed(height, rows, down, config.padding, 'height'), windowed(width, columns, right, config.padding, 'width'), config.filters];
  },
  weights: ([input], config) => convolution.weights([...asPair(config.kernelSize), input!.at(-1)!, config.filters], config),
  call(tf, [x], weights, config) {
    type T4 = import('@tensorflow/tfjs-node').Tensor4D;
    const sums = tf.conv2d(x as T4, weights.kernel as T4, asPair(config.strides), config.padding);
    return activate(tf, addBias(tf, sums, weights.bias), config.activation);
  },
  mask: 'drop',
  examples: [
    { inputs: [[6, 5, 2]], config: { ...convolution.defaults, filters: 3, kernelSize: 3, strides: 1, padding: 'valid' } },
    { inputs: [[6, 5, 2]], config: { ...convolution.defaults, filters: 3, kernelSize: [2, 3], strides: 2, padding: 'same', activation: 'relu', useBias: false } },
  ],
});
