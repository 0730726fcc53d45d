import { convLstmLayer } from './shared/conv-lstm.ts';

export default convLstmLayer(1, 'Long short-term memory over a sequence of sequences, with convolutions in place of products.', [
  { inputs: [[3, 5, 2]], config: { filters: 2, kernelSize: 2 } },
  { inputs: [[3, 5, 2]], config: { filters: 2, kernelSize: 2, padding: 'same', returnSequences: true, goBackwards: true } },
]);
