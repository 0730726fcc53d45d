import { transposedConvolutionLayer } from './shared/transposed-convolution.ts';

export default transposedConvolutionLayer(1, 'A convolution the other way round: with strides it makes the sequence larger.', [
  { inputs: [[4, 3]], config: { filters: 3, kernelSize: 3 } },
  { inputs: [[4, 3]], config: { filters: 2, kernelSize: 3, strides: 2, padding: 'same', activation: 'tanh', useBias: false } },
  { inputs: [[4, 3]], config: { filters: 2, kernelSize: 2, strides: 3, outputPadding: 1 } },
]);
