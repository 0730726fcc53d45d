import { activate } from '../activations.ts';
import { addBias } from '../bias.ts';
import { convolution } from '../convolution.ts';
import type { ConvolutionConfig } from '../convolution.ts';
import { defineLayer } from '../layer.ts';
import { integer } from '../schema-parts.ts';
import { requireRank, windowed } from '../shapes.ts';
import type { Padding } from '../shapes.ts';

interface Config extends ConvolutionConfig {
  readonly kernelSize: number;
  readonly strides: number;
  readonly padding: Padding;
}

export default defineLayer<Config>({
  type: 'conv1d',
  summary: 'Convolution over the steps of a sequence.',
  keras: { className: 'Conv1D' },
  properties: {
    ...convolution.properties(true),
    kernelSize: integer('Size of the window in steps.', undefined, 5),
    strides: integer('Steps between windows.', 1, 2),
  },
  required: ['filters', 'kernelSize'],
  outputShape(inputs, config) {
    const [steps] = requireRank(inputs, 2, 'a conv1d layer') as [number, number];
    return [windowed(steps, config.kernelSize, config.strides, config.padding, 'steps'), config.filters];
  },
  weights: ([input], config) => convolution.weights([config.kernelSize, input![1]!, config.filters], config),
  call(tf, [x], weights, config) {
    type T3 = import('@tensorflow/tfjs-node').Tensor3D;
    const causal = config.padding === 'causal';
    const padded = causal ? tf.pad(x!, [[0, 0], [config.kernelSize - 1, 0], [0, 0]]) : x!;
    const sums = tf.conv1d(padded as T3, weights.kernel as T3, config.strides, causal ? 'valid' : (config.padding as 'valid' | 'same'));
    return activate(tf, addBias(tf, sums, weights.bias), config.activation);
  },
  mask: 'drop',
  examples: [
    { inputs: [[7, 3]], config: { ...convolution.defaults, filters: 4, kernelSize: 3, strides: 1, padding: 'valid' } },
    { inputs: [[7, 3]], config: { ...convolution.defaults, filters: 4, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' } },
    { inputs: [[7, 3]], config: { ...convolution.defaults, filters: 2, kernelSize: 3, strides: 1, padding: 'causal', useBias: false } },
  ],
});
