import type { Target } from './target.ts';
import type { JsonSchema } from '../../core/json.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import type { LayerList } from './shared/architecture-parts.ts';
import type { LayerConfig } from '../model/model-config.ts';

/** A mistake that the settings of an architecture show by themselves. */
export interface SettingProblem {
  readonly setting: string;
  readonly message: string;
  readonly fix: string;
}

/** A network that takes part in training beside the model's own, and does not serve. */
export interface CompanionNetwork {
  readonly inputs: readonly TensorSpec[];
  readonly layers: readonly LayerConfig[];
}

/** A preset that expands to explicit layers for given inputs and output. */
export interface ArchitectureDefinition<C = any> {
  readonly name: string;
  readonly summary: string;
  readonly configSchema: JsonSchema;
  /** Name of the objective that its models are trained towards. Default: supervised. */
  readonly objective?: string;
  /** Further objectives that a document may ask for. */
  readonly alsoFor?: readonly string[];
  /** Settings that do not go together. A setting may still be the text of a parameter. */
  check?(config: Partial<C>): readonly SettingProblem[];
  /** Adds what turns the inputs into one vector per row: all that stands before the output layers. @throws MODEL_INVALID */
  encode?(list: LayerList, config: C, inputs: readonly TensorSpec[]): LayerList;
  /** @throws MODEL_INVALID where the inputs do not suit it */
  expand(config: C, inputs: readonly TensorSpec[], target: Target): readonly LayerConfig[];
  /** What the model reads, where that is not what the examples hold. */
  modelInputs?(config: C, inputs: readonly TensorSpec[], target: Target): readonly TensorSpec[];
  /** By name. */
  companions?(config: C, inputs: readonly TensorSpec[], target: Target): Readonly<Record<string, CompanionNetwork>>;
}

export function defineArchitecture<C>(
  parts: Omit<ArchitectureDefinition<C>, 'configSchema'> & {
    readonly properties: Record<string, JsonSchema>;
    readonly required?: readonly string[];
  },
): ArchitectureDefinition<C> {
  const { properties, required, ...rest } = parts;
  return Object.freeze({
    ...rest,
    configSchema: {
      type: 'object',
      description: parts.summary,
      additionalProperties: false,
      properties,
      ...(required === undefined ? {} : { required }),
    },
  });
}
