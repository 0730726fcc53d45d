import { convolutionLayer } from './shared/convolution.ts';

export default convolutionLayer(3, 'Convolution over a volume, or over the frames of a film.', [
  { inputs: [[3, 4, 5, 2]], config: { filters: 3, kernelSize: 2, activation: 'tanh' } },
  { inputs: [[3, 4, 5, 2]], config: { filters: 2, kernelSize: [1, 3, 2], strides: [1, 2, 1], padding: 'same' } },
]);
