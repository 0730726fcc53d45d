import type { JsonSchema } from '../../../core/json.ts';
import type { CallContext, Regularizer } from '../layer.ts';
import { regularizer } from '../../model/schema-parts.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

export interface ActivityOptions {
  readonly activityRegularizer?: Regularizer;
}

export const activityProperties: Record<string, JsonSchema> = {
  activityRegularizer: { ...regularizer, description: 'Penalty on the output of the layer that is added to the loss, per example.' },
};

/** Adds the penalty on `output` to the loss: its mean over the examples, as in Keras 3. @returns `output` */
export function penalized(tf: Tf, output: Tensor, penalty: Regularizer | undefined, context: CallContext): Tensor {
  const axes = output.shape.map((_, axis) => axis).slice(1);
  if ((penalty?.l1 ?? 0) > 0) context.addLoss(tf.mul(tf.sum(tf.abs(output), axes), penalty!.l1!));
  if ((penalty?.l2 ?? 0) > 0) context.addLoss(tf.mul(tf.sum(tf.square(output), axes), penalty!.l2!));
  return output;
}
