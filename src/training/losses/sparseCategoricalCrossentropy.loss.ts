import { crossentropy } from './shared/crossentropy.ts';
import { defineLoss } from './loss.ts';

export default defineLoss({
  name: 'sparseCategoricalCrossentropy',
  aliases: ['scce'],
  summary: 'Crossentropy between a class index and the probabilities of a softmax.',
  labels: 'index',
  activations: ['softmax'],
  value: (tf, labels, predictions) => crossentropy.value(tf, labels, predictions, { labelSmoothing: 0 }),
  fromLogits: {
    activation: 'softmax',
    value: (tf, labels, logits) => crossentropy.fromLogits.value(tf, labels, logits, { labelSmoothing: 0 }),
  },
  reference: 'https://keras.io/api/losses/probabilistic_losses/#sparsecategoricalcrossentropy-class',
});
