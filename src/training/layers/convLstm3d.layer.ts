import { convLstmLayer } from './shared/conv-lstm.ts';

export default convLstmLayer(3, 'Long short-term memory over a sequence of volumes, with convolutions in place of products.', [
  { inputs: [[2, 2, 3, 2, 1]], config: { filters: 2, kernelSize: 2 } },
  { inputs: [[2, 2, 3, 2, 1]], config: { filters: 2, kernelSize: 2, padding: 'same', returnSequences: true, goBackwards: true } },
]);
