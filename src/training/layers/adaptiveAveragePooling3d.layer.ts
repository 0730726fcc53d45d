import { adaptivePoolingLayer } from './shared/adaptive-pooling.ts';

export default adaptivePoolingLayer('Average', 3, 'Mean over as many windows of a volume as the output is to have, whatever its size.', [
  { inputs: [[5, 4, 3, 2]], config: { outputSize: [2, 3, 1] } },
]);
