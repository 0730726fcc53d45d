import type { JsonSchema } from '../../../core/json.ts';
import type { TensorSpec } from '../../../core/tensor.ts';
import { splitInputs } from './architecture-parts.ts';
import type { LayerList } from './architecture-parts.ts';
import { integer, rate } from '../../model/schema-parts.ts';

export interface EmbeddingConfig {
  readonly embeddingSize: number;
  readonly embeddingDropout: number;
}

export const embeddingProperties: Record<string, JsonSchema> = {
  embeddingSize: integer('Length of the vectors of token ids.', 32, 64),
  embeddingDropout: rate('Dropout of whole embedding channels.', 0),
};

/** True for token ids [steps]. */
export function isTokens(input: TensorSpec): boolean {
  return input.vocabularySize !== undefined && input.shape.length === 1 && input.shape[0]! > 1;
}

/** The one sequence among the inputs, and the others. @throws MODEL_INVALID */
export function sequenceOf(inputs: readonly TensorSpec[], architecture: string): [TensorSpec, readonly TensorSpec[]] {
  return splitInputs(
    inputs,
    (input) => input.shape.length === 2 || isTokens(input),
    architecture,
    'sequences [steps, features] or of token ids [steps]',
    'Tokenize a text column, or give "sequence" in the preprocess step; use the architecture mlp for tables.',
  );
}

/** Adds what turns the one sequence among the inputs into [steps, features]. @returns the other inputs */
export function addSequence(
  list: LayerList,
  config: EmbeddingConfig,
  inputs: readonly TensorSpec[],
  architecture: string,
  masked: boolean,
): readonly TensorSpec[] {
  const [sequence, others] = sequenceOf(inputs, architecture);
  list.last = sequence.name;
  if (isTokens(sequence))
    list.add({
      type: 'embedding',
      name: 'embedding',
      inputDim: sequence.vocabularySize,
      outputDim: config.embeddingSize,
      maskZero: masked,
    });
  if (isTokens(sequence) && config.embeddingDropout > 0)
    list.add({ type: 'spatialDropout1d', name: 'embedding_dropout', rate: config.embeddingDropout });
  return others;
}
