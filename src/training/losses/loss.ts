import type { JsonSchema } from '../../core/json.ts';
import type { Aliased } from '../../core/registry.ts';
import { bool } from '../model/schema-parts.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

/**
 * A loss gives one value per example; the network takes their weighted mean. Labels are adapted by the network: "index" is an
 * int32 class index [n], "binary" is 0 or 1 as float32 [n, 1], "number" is float32 [n, width].
 */
export interface LossDefinition<C = any> extends Aliased {
  readonly name: string;
  readonly summary: string;
  readonly configSchema: JsonSchema;
  readonly labels: 'index' | 'binary' | 'number';
  /** Activations of the last layer that it can read; the first is the default of the presets. */
  readonly activations: readonly string[];
  /** Of numbers: it has no meaning for a label that was scaled. */
  readonly inUnitOfLabel?: boolean;
  /** Smallest label that it can read. */
  readonly labelMin?: number;
  /** A linear last layer is given the activation of {@link fromLogits}, and the loss reads what comes before it. */
  readonly endsLinear?: boolean;
  /** @returns [n] */
  value(tf: Tf, labels: Tensor, predictions: Tensor, config: C): Tensor;
  /** The same from the values before the activation, where that is more exact. @returns [n] */
  fromLogits?: { readonly activation: string; value(tf: Tf, labels: Tensor, logits: Tensor, config: C): Tensor };
  /** Raw scores → scores from 0 to 1, where the output is no probability. */
  score?(value: number): number;
  readonly reference: string;
}

export function defineLoss<C = Record<string, never>>(
  parts: Omit<LossDefinition<C>, 'configSchema'> & { readonly properties?: Record<string, JsonSchema> },
): LossDefinition<C> {
  const { properties, ...rest } = parts;
  const { fromLogits, endsLinear } = parts;
  const own =
    fromLogits === undefined || endsLinear === true
      ? {}
      : {
          fromLogits: bool(
            `The last of explicit "layers" is linear, and the loss reads its values as they are; the model gets a ${fromLogits.activation} after it, so that it answers probabilities. A ${fromLogits.activation} that is already there is looked behind without it.`,
            false,
          ),
        };
  return Object.freeze({
    ...rest,
    configSchema: { type: 'object', description: parts.summary, additionalProperties: false, properties: { ...properties, ...own } },
  });
}
