import type { InitializerName } from './initializers.ts';
import { defineLayer } from './layer.ts';
import { initializer } from '../model/schema-parts.ts';
import { requireRank } from './shapes.ts';

export default defineLayer<{ readonly initializer: InitializerName }>({
  type: 'positionEmbedding',
  summary: 'Adds a trained vector for each place in a sequence, so that attention can tell the order.',
  properties: { initializer: initializer('uniform') },
  outputShape: (inputs) => requireRank(inputs, 2, 'a positionEmbedding layer'),
  weights: ([input], config) => [{ name: 'positions', shape: [...input!], initializer: config.initializer, trainable: true }],
  // Texts may be shorter than those that the layer was made for.
  call: (tf, [x], { positions }) =>
    tf.add(x!, x!.shape[1] === positions!.shape[0] ? positions! : tf.slice(positions!, [0, 0], [x!.shape[1]!, -1])),
  examples: [{ inputs: [[5, 3]], config: { initializer: 'uniform' } }],
  reference: 'https://keras.io/keras_hub/api/modeling_layers/position_embedding/',
});
