import { convolutionLayer } from './shared/convolution.ts';

export default convolutionLayer(1, 'Convolution over the steps of a sequence.', [
  { inputs: [[7, 3]], config: { filters: 4, kernelSize: 3 } },
  { inputs: [[7, 3]], config: { filters: 4, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' } },
  { inputs: [[7, 3]], config: { filters: 2, kernelSize: 3, padding: 'causal', useBias: false } },
  { inputs: [[9, 4]], config: { filters: 4, kernelSize: 2, padding: 'causal', dilationRate: 4, groups: 2 } },
]);
