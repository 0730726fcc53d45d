import { defineLoss } from './loss.ts';
import { crossentropy, labelSmoothing } from './shared/crossentropy.ts';
import type { CrossentropyConfig } from './shared/crossentropy.ts';

export default defineLoss<CrossentropyConfig>({
  name: 'categoricalCrossentropy',
  aliases: ['cce', 'crossEntropy', 'crossEntropyLoss', 'nll'],
  summary: 'Crossentropy between one class of several and the probabilities of a softmax.',
  properties: { labelSmoothing },
  labels: 'index',
  activations: ['softmax'],
  ...crossentropy,
  reference: 'https://keras.io/api/losses/probabilistic_losses/#categoricalcrossentropy-class',
});
