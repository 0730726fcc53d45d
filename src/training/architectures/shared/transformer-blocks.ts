import type { JsonSchema } from '../../../core/json.ts';
import type { TensorSpec } from '../../../core/tensor.ts';
import type { SettingProblem } from '../architecture.ts';
import type { LayerList } from './architecture-parts.ts';
import { activation, integer, rate } from '../../model/schema-parts.ts';
import { isTokens } from './sequence-input.ts';

/** What encoders and decoders have in common. */
export interface BlockConfig {
  readonly layers: number;
  readonly heads: number;
  readonly modelSize: number;
  readonly feedForwardSize?: number;
  readonly positions: 'learned' | 'sinusoidal' | 'none';
  readonly norm: 'first' | 'last';
  readonly activation: string;
  readonly dropout: number;
  readonly attentionDropout: number;
}

export const blockProperties: Record<string, JsonSchema> = {
  layers: { ...integer('Number of layers, each of attention and two dense layers.', 2, 4), maximum: 128 },
  heads: { ...integer('Heads of the attention; they divide modelSize.', 4, 8), maximum: 256 },
  modelSize: { ...integer('Width of the vectors that go from layer to layer.', 64, 128), maximum: 16_384 },
  feedForwardSize: {
    ...integer('Width of the first dense layer after each attention. Default: twice modelSize.', undefined, 256),
    maximum: 65_536,
  },
  positions: {
    enum: ['learned', 'sinusoidal', 'none'],
    default: 'learned',
    examples: ['sinusoidal'],
    description: 'How a step knows its place: a trained vector per place, sines and cosines of it, or not at all.',
  },
  norm: {
    enum: ['first', 'last'],
    default: 'first',
    examples: ['last'],
    description: 'Layer normalization before each part of a layer (trains easily at any depth), or after it, as in the first transformers.',
  },
  activation: activation('relu'),
  dropout: rate('Dropout after each part of a layer and before the output.', 0.1),
  attentionDropout: rate('Dropout of the attention weights.', 0),
};

export function checkHeads({ heads, modelSize }: Partial<BlockConfig>): readonly SettingProblem[] {
  // A parameter stands here as text before it has a value.
  if (typeof heads !== 'number' || typeof modelSize !== 'number' || modelSize % heads === 0) return [];
  const divisors = Array.from({ length: Math.min(modelSize, 64) }, (_, index) => index + 1).filter((divisor) => modelSize % divisor === 0);
  const nearest = divisors.reduce((best, divisor) => (Math.abs(divisor - heads) < Math.abs(best - heads) ? divisor : best), 1);
  return [
    {
      setting: 'heads',
      message: `${heads} heads do not divide the model size of ${modelSize}.`,
      fix: `Use ${nearest} ${nearest === 1 ? 'head' : 'heads'}, or a model size of ${Math.ceil(modelSize / heads) * heads}.`,
    },
  ];
}

/** Adds what turns a sequence into [steps, modelSize]: embedding or projection, places, and the layers. */
export function addTransformerBlocks(
  list: LayerList,
  config: BlockConfig,
  sequence: TensorSpec,
  { causal, classToken }: { readonly causal: boolean; readonly classToken: boolean },
): void {
  const { modelSize, dropout } = config;
  list.last = sequence.name;
  if (isTokens(sequence))
    list.add({ type: 'embedding', name: 'embedding', inputDim: sequence.vocabularySize, outputDim: modelSize, maskZero: true });
  else list.add({ type: 'dense', name: 'projection', units: modelSize });
  if (config.positions === 'learned') list.add({ type: 'positionEmbedding', name: 'positions' });
  if (config.positions === 'sinusoidal') list.add({ type: 'sinusoidalPositionEncoding', name: 'positions' });
  if (classToken) list.add({ type: 'classToken', name: 'class_token' });
  if (dropout > 0) list.add({ type: 'dropout', name: 'input_dropout', rate: dropout });
  for (let layer = 1; layer <= config.layers; layer++) addBlock(list, config, layer, causal);
  if (config.norm === 'first') list.add({ type: 'layerNormalization', name: 'last_norm', epsilon: EPSILON });
}

const EPSILON = 1e-6;

/** Attention, then two dense layers, each added to what it read. */
function addBlock(list: LayerList, config: BlockConfig, layer: number, causal: boolean): void {
  const { heads, modelSize, attentionDropout } = config;
  addResidual(list, config, `attention_${layer}`, (name) => {
    list.add({ type: 'multiHeadAttention', name, numHeads: heads, keyDim: modelSize / heads, causal, dropout: attentionDropout });
  });
  addResidual(list, config, `dense_${layer}`, (name) => {
    list.add({ type: 'dense', name: `${name}_inner`, units: config.feedForwardSize ?? 2 * modelSize, activation: config.activation });
    list.add({ type: 'dense', name, units: modelSize });
  });
}

function addResidual(list: LayerList, { norm, dropout }: BlockConfig, name: string, addPart: (name: string) => void): void {
  const source = list.last;
  const normalize = (): void => {
    list.add({ type: 'layerNormalization', name: `${name}_norm`, epsilon: EPSILON });
  };
  if (norm === 'first') normalize();
  addPart(name);
  if (dropout > 0) list.add({ type: 'dropout', name: `${name}_dropout`, rate: dropout });
  list.add({ type: 'add', name: `${name}_sum`, inputs: [source, list.last] });
  if (norm === 'last') normalize();
}
