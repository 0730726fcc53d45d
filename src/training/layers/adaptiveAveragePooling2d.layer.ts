import { adaptivePoolingLayer } from './shared/adaptive-pooling.ts';

export default adaptivePoolingLayer('Average', 2, 'Mean over as many windows of an image as the output is to have, whatever its size.', [
  { inputs: [[7, 5, 2]], config: { outputSize: [3, 2] } },
]);
