import type { TensorSpec } from '../../core/tensor.ts';
import { defineArchitecture } from './architecture.ts';
import { LayerList, dropoutRate, unitsList } from './shared/architecture-parts.ts';
import type { Regularizer } from '../layers/layer.ts';
import { activation, bool, integer, regularizer } from '../model/schema-parts.ts';

interface Config {
  readonly units: readonly number[];
  readonly activation: string;
  readonly dropout: number;
  readonly batchNormalization: boolean;
  readonly embeddingSize?: number;
  readonly kernelRegularizer?: Regularizer;
}

function encode(list: LayerList, config: Config, inputs: readonly TensorSpec[]): LayerList {
  return list.vectors(inputs, config.embeddingSize).dense(config.units, config);
}

export default defineArchitecture<Config>({
  name: 'mlp',
  summary: 'Dense layers over all inputs: numbers as they are, token ids embedded, images flattened.',
  properties: {
    units: unitsList('Widths of the hidden layers.', [64, 32]),
    activation: activation('relu'),
    dropout: dropoutRate(),
    batchNormalization: bool('Normalize between each hidden layer and its activation.', false),
    embeddingSize: integer('Length of the vectors of token ids. Default: grows slowly with the number of ids.', undefined, 8),
    kernelRegularizer: regularizer,
  },
  encode,
  expand: (config, inputs, target) => encode(new LayerList(inputs), config, inputs).head(target),
});
