import { transposedConvolutionLayer } from './shared/transposed-convolution.ts';

export default transposedConvolutionLayer(3, 'A convolution the other way round: with strides it makes the volume larger.', [
  { inputs: [[2, 3, 2, 2]], config: { filters: 3, kernelSize: 3 } },
  { inputs: [[2, 3, 2, 2]], config: { filters: 2, kernelSize: 3, strides: 2, padding: 'same', activation: 'tanh', useBias: false } },
  { inputs: [[2, 3, 2, 2]], config: { filters: 2, kernelSize: 2, strides: 3, outputPadding: 1 } },
]);
