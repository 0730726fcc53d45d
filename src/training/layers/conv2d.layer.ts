import { convolutionLayer } from './shared/convolution.ts';

export default convolutionLayer(2, 'Convolution over an image.', [
  { inputs: [[6, 5, 2]], config: { filters: 3, kernelSize: 3 } },
  { inputs: [[6, 5, 2]], config: { filters: 3, kernelSize: [2, 3], strides: 2, padding: 'same', activation: 'relu', useBias: false } },
  { inputs: [[7, 6, 2]], config: { filters: 4, kernelSize: 3, dilationRate: [2, 1], padding: 'same', groups: 2, activation: 'glu' } },
]);
