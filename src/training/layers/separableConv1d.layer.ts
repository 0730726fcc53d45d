import { separableLayer } from './shared/depthwise.ts';

export default separableLayer(1, 'A depthwise convolution over a sequence, then a mix of the channels: fewer weights than conv1d.', [
  { inputs: [[7, 2]], config: { filters: 3, kernelSize: 3 } },
  {
    inputs: [[7, 2]],
    config: { filters: 3, kernelSize: 2, dilationRate: 2, padding: 'same', depthMultiplier: 2, activation: 'relu', useBias: false },
  },
]);
