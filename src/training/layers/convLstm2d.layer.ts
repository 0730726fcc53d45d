import { convLstmLayer } from './shared/conv-lstm.ts';

export default convLstmLayer(2, 'Long short-term memory over a sequence of images, with convolutions in place of products.', [
  { inputs: [[3, 4, 4, 1]], config: { filters: 2, kernelSize: 2 } },
  { inputs: [[3, 4, 4, 1]], config: { filters: 2, kernelSize: 2, padding: 'same', returnSequences: true, goBackwards: true } },
]);
