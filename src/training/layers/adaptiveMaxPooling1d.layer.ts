import { adaptivePoolingLayer } from './shared/adaptive-pooling.ts';

export default adaptivePoolingLayer(
  'Max',
  1,
  'Largest value over as many windows of a sequence as the output is to have, whatever its size.',
  [{ inputs: [[7, 3]], config: { outputSize: 3 } }],
);
