import type { TensorSpec } from '../../core/tensor.ts';
import { defineArchitecture } from './architecture.ts';
import type { SettingProblem } from './architecture.ts';
import { LayerList, unitsList } from './shared/architecture-parts.ts';
import { bool } from '../model/schema-parts.ts';
import { sequenceOf } from './shared/sequence-input.ts';
import { addTransformerBlocks, blockProperties, checkHeads } from './shared/transformer-blocks.ts';
import type { BlockConfig } from './shared/transformer-blocks.ts';

const POOLINGS = ['average', 'max', 'last', 'first', 'classToken'] as const;

interface Config extends BlockConfig {
  readonly causal: boolean;
  readonly pooling: (typeof POOLINGS)[number];
  readonly units: readonly number[];
}

/** A. Vaswani et al.: Attention Is All You Need (2017). */
export default defineArchitecture<Config>({
  name: 'transformer',
  summary:
    'Layers of attention over one sequence: windows of numbers, or token ids through an embedding. Other inputs join before the dense layers. With "objective": "nextToken" a causal decoder that tells the next token at every step.',
  alsoFor: ['nextToken'],
  properties: {
    ...blockProperties,
    causal: bool('A step sees itself and earlier steps only, as a decoder does.', false),
    pooling: {
      enum: [...POOLINGS],
      default: 'average',
      examples: ['last'],
      description:
        'What the dense layers read: the mean or the largest values over all steps, the last or first step, or a trained step put before all others that gathers the rest ("classToken"). Padding does not count.',
    },
    units: unitsList('Widths of the dense layers.', []),
  },
  check(config): readonly SettingProblem[] {
    const blind = config.causal === true && (config.pooling === 'first' || config.pooling === 'classToken');
    return [
      ...checkHeads(config),
      ...(blind
        ? [
            {
              setting: 'pooling',
              message: `With "causal", the step that "pooling": "${config.pooling}" reads sees no other step.`,
              fix: 'Use "pooling": "last", or leave "causal" out.',
            },
          ]
        : []),
    ];
  },
  encode,
  expand(config, inputs, target) {
    const list = new LayerList(inputs);
    if (target.output.kind !== 'text') return encode(list, config, inputs).head(target);
    const [sequence] = sequenceOf(inputs, 'transformer');
    addTransformerBlocks(list, config, sequence, { causal: true, classToken: false });
    return list.dense(config.units, { activation: config.activation, dropout: config.dropout }).head(target);
  },
});

function encode(list: LayerList, config: Config, inputs: readonly TensorSpec[]): LayerList {
  const [sequence, others] = sequenceOf(inputs, 'transformer');
  addTransformerBlocks(list, config, sequence, { causal: config.causal, classToken: config.pooling === 'classToken' });
  list.add({ type: 'sequencePooling', name: 'pooled', pooling: config.pooling === 'classToken' ? 'first' : config.pooling });
  if (config.dropout > 0) list.add({ type: 'dropout', name: 'pooled_dropout', rate: config.dropout });
  return list.vectors(others, undefined, [list.last]).dense(config.units, { activation: config.activation, dropout: config.dropout });
}
