import type { TensorSpec } from '../../core/tensor.ts';
import { defineArchitecture } from './architecture.ts';
import { LayerList, dropoutRate, unitsList } from './shared/architecture-parts.ts';
import { addSequence, embeddingProperties } from './shared/sequence-input.ts';
import type { EmbeddingConfig } from './shared/sequence-input.ts';
import { bool, rate } from '../model/schema-parts.ts';

interface Config extends EmbeddingConfig {
  readonly cell: 'lstm' | 'gru' | 'simpleRnn';
  readonly recurrentUnits: readonly number[];
  readonly bidirectional: boolean;
  readonly pooling: 'last' | 'max' | 'average';
  readonly recurrentDropout: number;
  readonly units: readonly number[];
  readonly dropout: number;
}

export default defineArchitecture<Config>({
  name: 'rnn',
  summary:
    'Recurrent layers over one sequence: windows of numbers, or token ids through an embedding. Other inputs join before the dense layers. With "objective": "nextToken" it tells the next token at every step.',
  alsoFor: ['nextToken'],
  properties: {
    cell: { enum: ['lstm', 'gru', 'simpleRnn'], default: 'lstm', description: 'Kind of the recurrent layers.', examples: ['gru'] },
    recurrentUnits: { ...unitsList('Widths of the stacked recurrent layers.', [32]), minItems: 1 },
    bidirectional: bool('Read the sequence from both ends.', false),
    pooling: {
      enum: ['last', 'max', 'average'],
      default: 'last',
      description: 'What the dense layers read: the last state, or the largest or mean state over all steps.',
      examples: ['max'],
    },
    recurrentDropout: rate('Dropout of the state between steps.', 0),
    ...embeddingProperties,
    units: unitsList('Widths of the dense layers.', []),
    dropout: dropoutRate(),
  },
  encode,
  expand(config, inputs, target) {
    const list = new LayerList(inputs);
    if (target.output.kind !== 'text') return encode(list, config, inputs).head(target);
    addRecurrent(list, config, inputs, true);
    return list.dense(config.units, { activation: 'relu', dropout: config.dropout }).head(target);
  },
});

/** @param steps the last layer also gives its state after every step @returns the other inputs */
function addRecurrent(list: LayerList, config: Config, inputs: readonly TensorSpec[], steps: boolean): readonly TensorSpec[] {
  const others = addSequence(list, config, inputs, 'rnn', true);
  for (const [index, units] of config.recurrentUnits.entries()) {
    const returnSequences = steps || index < config.recurrentUnits.length - 1;
    const shared = {
      name: `recurrent_${index + 1}`,
      units,
      returnSequences,
      dropout: config.dropout,
      recurrentDropout: config.recurrentDropout,
    };
    list.add(config.bidirectional ? { type: 'bidirectional', cell: config.cell, ...shared } : { type: config.cell, ...shared });
  }
  return others;
}

function encode(list: LayerList, config: Config, inputs: readonly TensorSpec[]): LayerList {
  const others = addRecurrent(list, config, inputs, config.pooling !== 'last');
  if (config.pooling === 'max') list.add({ type: 'globalMaxPooling1d', name: 'pooled' });
  if (config.pooling === 'average') list.add({ type: 'globalAveragePooling1d', name: 'pooled' });
  return list.vectors(others, config.embeddingSize, [list.last]).dense(config.units, { activation: 'relu', dropout: config.dropout });
}
