import type { InitializerName } from '../initializers.ts';
import { defineLayer } from '../layer.ts';
import { bool, initializer, integer } from '../schema-parts.ts';
import { shapeError, showShape } from '../shapes.ts';

interface Config {
  readonly inputDim: number;
  readonly outputDim: number;
  readonly maskZero: boolean;
  readonly embeddingsInitializer: InitializerName;
}

export default defineLayer<Config>({
  type: 'embedding',
  summary: 'A trained vector for each token id.',
  keras: { className: 'Embedding' },
  properties: {
    inputDim: integer('Number of ids: ids run from 0 to one below.', undefined, 20_000),
    outputDim: integer('Length of a vector.', undefined, 32),
    maskZero: bool('Id 0 is padding: later layers leave these steps out.', false),
    embeddingsInitializer: initializer('uniform'),
  },
  required: ['inputDim', 'outputDim'],
  outputShape([input], { outputDim }) {
    if (input!.length > 2) throw shapeError(`an embedding layer reads token ids [steps], but its input has the shape ${showShape(input!)}`, 'Connect it to the input that holds the tokens.');
    return [...input!, outputDim];
  },
  weights: (_inputs, config) => [{ name: 'embeddings', shape: [config.inputDim, config.outputDim], initializer: config.embeddingsInitializer, trainable: true }],
  call(tf, [x], weights, { outputDim }) {
    const ids = tf.cast(x!, 'int32');
    // One flat gather: the gradient of a gather by a matrix would transpose the whole table.
    const vectors = tf.gather(weights.embeddings!, tf.reshape(ids, [-1]) as import('@tensorflow/tfjs-node').Tensor1D);
    return tf.reshape(vectors, [...x!.shape, outputDim]);
  },
  mask: (tf, [x], { maskZero }) => (maskZero ? tf.cast(tf.notEqual(x!, 0), 'float32') : undefined),
  examples: [
    { inputs: [[4]], integersBelow: 7, config: { inputDim: 7, outputDim: 3, maskZero: false, embeddingsInitializer: 'uniform' } },
  ],
});
