import { separableLayer } from './shared/depthwise.ts';

export default separableLayer(2, 'A depthwise convolution over an image, then a mix of the channels: fewer weights than conv2d.', [
  { inputs: [[6, 5, 2]], config: { filters: 3, kernelSize: 3 } },
  {
    inputs: [[6, 5, 2]],
    config: { filters: 3, kernelSize: 3, strides: 2, padding: 'same', depthMultiplier: 2, activation: 'relu', useBias: false },
  },
]);
