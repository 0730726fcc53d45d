import { depthwiseLayer } from './shared/depthwise.ts';

export default depthwiseLayer(1, 'A convolution of its own for each channel of a sequence.', [
  { inputs: [[7, 2]], config: { kernelSize: 3 } },
  { inputs: [[7, 2]], config: { kernelSize: 2, strides: 2, padding: 'same', depthMultiplier: 2, activation: 'relu' } },
]);
