import type { Shape } from '../shapes.ts';
import { shapeError, showShape } from '../shapes.ts';

/** Query, value and key of an attention layer: one input is all three, two are query and value, as in Keras. */
export function rolesOf<T>(inputs: readonly T[]): readonly [query: T, value: T, key: T] {
  const query = inputs[0]!;
  const value = inputs.length > 1 ? inputs[1]! : query;
  return [query, value, inputs.length > 2 ? inputs[2]! : value];
}

/** @throws SHAPE_MISMATCH where an input is no sequence, or there are not as many keys as values */
export function sequencesOf(inputs: readonly Shape[], layer: string): readonly [query: Shape, value: Shape, key: Shape] {
  for (const shape of inputs) {
    if (shape.length !== 2)
      throw shapeError(
        `${layer} reads sequences [steps, features], but an input has the shape ${showShape(shape)}`,
        'Put an embedding (token ids) or a reshape layer before it, or keep the sequence of a recurrent layer with "returnSequences": true.',
      );
  }
  const roles = rolesOf(inputs);
  const [, value, key] = roles;
  if (value[0] !== key[0])
    throw shapeError(
      `${layer} reads as many keys as values, but the values have ${value[0]} steps and the keys ${key[0]}`,
      'Give values and keys of one length.',
    );
  return roles;
}

/** @throws SHAPE_MISMATCH where queries and keys, which are compared feature by feature, differ in width */
export function comparableSequences(inputs: readonly Shape[], layer: string): readonly [query: Shape, value: Shape, key: Shape] {
  const roles = sequencesOf(inputs, layer);
  const [query, , key] = roles;
  if (query[1] !== key[1])
    throw shapeError(
      `${layer} compares queries and keys of one width, but they have ${query[1]} and ${key[1]} features`,
      `Put { "type": "dense", "units": ${query[1]} } before the keys, or use multiHeadAttention.`,
    );
  return roles;
}
