import type { TensorSpec } from '../../core/tensor.ts';
import { defineArchitecture } from './architecture.ts';
import { LayerList, dropoutRate, unitsList } from './shared/architecture-parts.ts';
import { addSequence, embeddingProperties } from './shared/sequence-input.ts';
import type { EmbeddingConfig } from './shared/sequence-input.ts';
import { integer } from '../model/schema-parts.ts';

interface Config extends EmbeddingConfig {
  readonly filters: number;
  readonly kernelSizes: readonly number[];
  readonly units: readonly number[];
  readonly dropout: number;
}

/** Y. Kim: Convolutional Neural Networks for Sentence Classification (2014). */
export default defineArchitecture<Config>({
  name: 'textCnn',
  summary: 'Parallel convolutions of several widths over one sequence, each with its largest value, then dense layers. Fast on text.',
  properties: {
    filters: integer('Channels of each convolution.', 64, 128),
    kernelSizes: {
      type: 'array',
      items: { type: 'integer', minimum: 1, maximum: 100 },
      minItems: 1,
      maxItems: 16,
      default: [3, 4, 5],
      description: 'Widths of the parallel convolutions in steps.',
      examples: [[3, 4, 5]],
    },
    ...embeddingProperties,
    units: unitsList('Widths of the dense layers.', [32]),
    dropout: dropoutRate(0.3),
  },
  encode,
  expand: (config, inputs, target) => encode(new LayerList(inputs), config, inputs).head(target),
});

function encode(list: LayerList, config: Config, inputs: readonly TensorSpec[]): LayerList {
  const others = addSequence(list, config, inputs, 'textCnn', false);
  const source = list.last;
  const branches = config.kernelSizes.map((kernelSize, index) => {
    list.add({
      type: 'conv1d',
      name: `conv_${index + 1}`,
      filters: config.filters,
      kernelSize,
      padding: 'same',
      activation: 'relu',
      inputs: [source],
    });
    list.add({ type: 'globalMaxPooling1d', name: `max_${index + 1}` });
    return list.last;
  });
  list.vectors(others, config.embeddingSize, branches);
  if (config.dropout > 0) list.add({ type: 'dropout', name: 'features_dropout', rate: config.dropout });
  return list.dense(config.units, { activation: 'relu', dropout: config.dropout });
}
