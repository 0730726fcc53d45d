import { activate } from '../activations.ts';
import { addBias } from '../bias.ts';
import type { ActivationName } from '../activations.ts';
import type { InitializerName } from '../initializers.ts';
import { defineLayer } from '../layer.ts';
import { activation, asPair, bool, initializer, integer, padding, pair } from '../schema-parts.ts';
import type { Pair } from '../schema-parts.ts';
import { requireRank, windowed } from '../shapes.ts';

interface Config {
  readonly kernelSize: Pair;
  readonly strides: number;
  readonly padding: 'valid' | 'same';
  readonly depthMultiplier: number;
  readonly activation: ActivationName;
  readonly useBias: boolean;
  readonly depthwiseInitializer: InitializerName;
}

const base = { strides: 1, padding: 'valid', depthMultiplier: 1, activation: 'linear', useBias: true, depthwiseInitializer: 'glorotUniform' } as const;

export default defineLayer<Config>({
  type: 'depthwiseConv2d',
  summary: 'A convolution of its own for each channel of an image.',
  keras: { className: 'DepthwiseConv2D' },
  properties: {
    kernelSize: pair('Size of the window in pixels.', undefined, 3),
    strides: integer('Steps between windows in pixels, both ways.', 1, 2),
    padding: padding(),
    depthMultiplier: integer('Channels made from each channel.', 1, 2),
    activation: activation(),
    useBias: bool('Add a bias to each channel.', true),
    depthwiseInitializer: initializer('glorotUniform'),
  },
  required: ['kernelSize'],
  outputShape(inputs, config) {
    const [height, width, channels] = requireRank(inputs, 3, 'a depthwiseConv2d layer') as [number, number, number];
    const [rows, columns] = asPair(config.kernelSize);
    return [
      windowed(height, rows, config.strides, config.padding, 'height'),
      windowed(width, columns, config.strides, config.padding, 'width'),
      channels * config.depthMultiplier,
    ];
  },
  weights([input], config) {
    const channels = input!.at(-1)!;
    return [
      { name: 'depthwiseKernel', shape: [...asPair(config.kernelSize), channels, config.depthMultiplier], initializer: config.depthwiseInitializer, trainable: true },
      ...(config.useBias ? [{ name: 'bias', shape: [channels * config.depthMultiplier], initializer: 'zeros' as const, trainable: true }] : []),
    ];
  },
  call(tf, [x], weights, config) {
    type T4 = import('@tensorflow/tfjs-node').Tensor4D;
    const sums = tf.depthwiseConv2d(x as T4, weights.depthwiseKernel as T4, config.strides, config.padding);
    return activate(tf, addBias(tf, sums, weights.bias), config.activation);
  },
  mask: 'drop',
  examples: [
    { inputs: [[6, 5, 2]], config: { ...base, kernelSize: 3 } },
    { inputs: [[6, 5, 2]], config: { ...base, kernelSize: 3, strides: 2, padding: 'same', depthMultiplier: 2, activation: 'relu' } },
  ],
});
