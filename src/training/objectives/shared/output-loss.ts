import type { OutputSpec } from '../../../core/tensor.ts';
import { endsWithActivation, outputActivation } from '../../model/describe.ts';
import type { LossDefinition } from '../../losses/loss.ts';
import type { Topology } from '../../model/model-config.ts';
import type { Resolved } from '../../model/named.ts';
import type { LabelSpec } from '../objective.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

/** How a loss reads one output of a network. */
export interface OutputLoss {
  readonly label: LabelSpec;
  /** The layer is asked for its values before its activation, which the loss reads more exactly. */
  readonly readsLogits: boolean;
  /** Above it, a single value means the second class. */
  readonly threshold: number;
  /** @returns [rows] */
  losses(tf: Tf, labels: Tensor, predicted: Tensor): Tensor;
}

/** @param layer that gives the output @param label name of the tensor that holds the label */
export function outputLoss(
  topology: Topology,
  layer: string,
  label: string,
  output: OutputSpec,
  { definition, config }: Resolved<LossDefinition>,
): OutputLoss {
  const ending = { ...topology, output: layer };
  const { fromLogits, score } = definition;
  const readsLogits = fromLogits !== undefined && endsWithActivation(ending) && outputActivation(ending) === fromLogits.activation;
  return {
    label:
      definition.labels === 'index'
        ? { name: label, shape: [], dtype: 'int32' }
        : { name: label, shape: [output.kind === 'number' ? output.width : 1], dtype: 'float32' },
    readsLogits,
    threshold: readsLogits || score !== undefined ? 0 : 0.5,
    losses: (tf, labels, predicted) =>
      readsLogits ? fromLogits.value(tf, labels, predicted, config) : definition.value(tf, labels, predicted, config),
  };
}
