import { timeDistributedMapping } from '../keras/time-distributed.ts';
import { defineLayer } from './layer.ts';
import type { LayerDefinition } from './layer.ts';
import { wrappedLayer } from '../model/layer-lookup.ts';
import type { Layers } from '../model/layer-lookup.ts';
import type { LayerConfig } from '../model/model-config.ts';
import { product, shapeError, showShape } from './shapes.ts';

const WRAPPER = 'timeDistributed';

export default (layers: Layers): LayerDefinition =>
  defineLayer<{ readonly layer: LayerConfig }>({
    type: 'timeDistributed',
    summary:
      'One layer, with the same weights, on every step of a sequence: dense on vectors, conv2d on the frames of a film. Batch statistics run over the steps, too.',
    keras: timeDistributedMapping(layers),
    properties: { layer: { allOf: [{ $ref: '#/definitions/layer' }], description: 'The layer.', examples: [{ type: 'dense', units: 8 }] } },
    required: ['layer'],
    outputShape([input], { layer }) {
      if (input!.length < 2)
        throw shapeError(
          `a timeDistributed layer reads sequences [steps, …], but its input has the shape ${showShape(input!)}`,
          'Use the layer inside on its own.',
        );
      const { definition, config } = wrappedLayer(layers, layer, WRAPPER);
      return [input![0]!, ...definition.outputShape([input!.slice(1)], config)];
    },
    weights([input], { layer }) {
      const { definition, config } = wrappedLayer(layers, layer, WRAPPER);
      return definition.weights([input!.slice(1)], config);
    },
    call(tf, [x], weights, { layer }, context) {
      const { definition, config } = wrappedLayer(layers, layer, WRAPPER);
      const [batch, steps, ...rest] = x!.shape as [number, number, ...number[]];
      const output = definition.call(tf, [tf.reshape(x!, [batch * steps, ...rest])], weights, config, {
        ...context,
        masks: [undefined],
        // A loss per step becomes one per example.
        addLoss: (loss) => context.addLoss(loss.rank === 0 ? loss : tf.mean(tf.reshape(loss, [batch, product(loss.shape) / batch]), 1)),
      });
      return tf.reshape(output, [batch, steps, ...output.shape.slice(1)]);
    },
    examples: [
      { inputs: [[4, 3]], config: { layer: { type: 'dense', units: 2, activation: 'tanh' } } },
      { inputs: [[3, 4, 4, 2]], config: { layer: { type: 'conv2d', filters: 2, kernelSize: 3 } } },
      { inputs: [[2, 5, 3]], config: { layer: { type: 'gru', units: 2 } } },
    ],
  });
