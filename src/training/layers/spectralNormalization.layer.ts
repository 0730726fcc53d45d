import { withoutGradient } from '../tensorflow/gradients.ts';
import { defineLayer } from './layer.ts';
import type { LayerDefinition, WeightSpec } from './layer.ts';
import type { Shape } from './shapes.ts';
import { wrappedLayer } from '../model/layer-lookup.ts';
import type { Layers } from '../model/layer-lookup.ts';
import type { LayerConfig } from '../model/model-config.ts';
import { unitNorm } from './shared/norms.ts';
import { integer } from '../model/schema-parts.ts';
import { product, shapeError } from './shapes.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

interface Config {
  readonly layer: LayerConfig;
  readonly powerIterations: number;
}

const WRAPPER = 'spectralNormalization';
/** Below it, a sum of squares is 0. */
const SQUARES_MIN = 1e-14;

/** The weight that is normalized. */
function kernelOf(weights: readonly WeightSpec[], type: string): WeightSpec {
  const kernel = weights.find(({ name }) => name === 'kernel' || name === 'embeddings');
  if (kernel === undefined) throw shapeError(`a ${type} layer has no kernel to normalize`, 'Put a dense, conv or embedding layer into it.');
  return kernel;
}

export default (layers: Layers): LayerDefinition =>
  defineLayer<Config>({
    type: 'spectralNormalization',
    summary:
      'A layer whose kernel is divided by its largest singular value, as critics of GANs need. The weights that are saved are those before the division.',
    properties: {
      layer: {
        allOf: [{ $ref: '#/definitions/layer' }],
        description: 'The layer: dense, embedding or a convolution.',
        examples: [{ type: 'dense', units: 8 }],
      },
      powerIterations: integer('Steps towards the singular vector in each training step.', 1, 2),
    },
    required: ['layer'],
    outputShape(inputs, config) {
      const inner = wrappedLayer(layers, config.layer, WRAPPER);
      kernelOf(inner.definition.weights(inputs, inner.config), inner.definition.type);
      return inner.definition.outputShape(inputs, inner.config);
    },
    weights(inputs, config) {
      const inner = wrappedLayer(layers, config.layer, WRAPPER);
      const weights = inner.definition.weights(inputs, inner.config);
      const width = kernelOf(weights, inner.definition.type).shape.at(-1)!;
      return [
        ...weights,
        { name: 'vectorU', shape: [1, width] as Shape, initializer: { truncatedNormal: { stddev: 0.02 } }, trainable: false },
      ];
    },
    call(tf, inputs, weights, config, context) {
      const { definition, config: settings } = wrappedLayer(layers, config.layer, WRAPPER);
      const name = weights.kernel === undefined ? 'embeddings' : 'kernel';
      const kernel = weights[name]!;
      const matrix = tf.reshape(kernel, [product(kernel.shape.slice(0, -1)), kernel.shape.at(-1)!]);
      const u = withoutGradient(tf, () => iterated(tf, matrix, weights.vectorU!, context.training ? config.powerIterations : 0));
      const v = withoutGradient(tf, () => unitNorm(tf, tf.matMul(u, matrix, false, true), -1, SQUARES_MIN));
      if (context.training) context.update('vectorU', u);
      const largest = tf.reshape(tf.matMul(tf.matMul(v, matrix), u, false, true), []);
      return definition.call(tf, inputs, { ...weights, [name]: tf.div(kernel, largest) }, settings, context);
    },
    mask: 'drop',
    examples: [
      { inputs: [[4]], config: { layer: { type: 'dense', units: 3 } } },
      { inputs: [[4, 4, 2]], config: { layer: { type: 'conv2d', filters: 2, kernelSize: 2 }, powerIterations: 2 } },
    ],
    reference: 'https://arxiv.org/abs/1802.05957',
  });

function iterated(tf: Tf, matrix: Tensor, start: Tensor, times: number): Tensor {
  let u = start;
  for (let turn = 0; turn < times; turn++) {
    const v = unitNorm(tf, tf.matMul(u, matrix, false, true), -1, SQUARES_MIN);
    u = unitNorm(tf, tf.matMul(v, matrix), -1, SQUARES_MIN);
  }
  return u;
}
