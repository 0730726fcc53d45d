import { activityProperties, penalized } from './shared/activity.ts';
import type { ActivityOptions } from './shared/activity.ts';
import { defineLayer } from './layer.ts';
import { bool, integer } from '../model/schema-parts.ts';
import { shapeError, showShape } from './shapes.ts';
import { weightOf, weightProperties } from './shared/weight-options.ts';
import type { WeightOptions } from './shared/weight-options.ts';

interface Config extends WeightOptions<'embeddings'>, ActivityOptions {
  readonly inputDim?: number;
  readonly outputDim: number;
  readonly maskZero: boolean;
}

export default defineLayer<Config>({
  type: 'embedding',
  summary: 'A trained vector for each token id.',
  keras: {
    className: 'Embedding',
    fromKeras(translated, _keras, { refuse }) {
      if (translated.inputDim === undefined) throw refuse('no "input_dim"');
      return translated;
    },
  },
  properties: {
    inputDim: integer('Number of ids: ids run from 0 to one below. Default: those of the input that it reads.', undefined, 20_000),
    outputDim: integer('Length of a vector.', undefined, 32),
    maskZero: bool('Id 0 is padding: later layers leave these steps out.', false),
    ...weightProperties('embeddings'),
    ...activityProperties,
  },
  required: ['outputDim'],
  outputShape([input], { inputDim, outputDim }) {
    if (inputDim === undefined) throw shapeError('it does not say how many ids it has', 'Give "inputDim".');
    if (input!.length > 2)
      throw shapeError(
        `an embedding layer reads token ids [steps], but its input has the shape ${showShape(input!)}`,
        'Connect it to the input that holds the tokens.',
      );
    return [...input!, outputDim];
  },
  weights: (_inputs, config) => [weightOf('embeddings', [config.inputDim!, config.outputDim], config)],
  call(tf, [x], weights, { outputDim, activityRegularizer }, context) {
    const ids = tf.cast(x!, 'int32');
    // One flat gather: the gradient of a gather by a matrix would transpose the whole table.
    const vectors = tf.gather(weights.embeddings!, tf.reshape(ids, [-1]) as import('@tensorflow/tfjs-node').Tensor1D);
    return penalized(tf, tf.reshape(vectors, [...x!.shape, outputDim]), activityRegularizer, context);
  },
  mask: (tf, [x], { maskZero }) => (maskZero ? tf.cast(tf.notEqual(x!, 0), 'float32') : undefined),
  examples: [{ inputs: [[4]], integersBelow: 7, config: { inputDim: 7, outputDim: 3 } }],
});
