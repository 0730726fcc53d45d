import { depthwiseLayer } from './shared/depthwise.ts';

export default depthwiseLayer(2, 'A convolution of its own for each channel of an image.', [
  { inputs: [[6, 5, 2]], config: { kernelSize: 3 } },
  { inputs: [[6, 5, 2]], config: { kernelSize: 3, strides: 2, padding: 'same', depthMultiplier: 2, activation: 'relu' } },
  { inputs: [[7, 6, 2]], config: { kernelSize: 2, dilationRate: 2, padding: 'same', useBias: false } },
]);
