import type { JsonSchema } from '../../../core/json.ts';
import { checkConstraint } from '../constraints.ts';
import type { Constraint } from '../constraints.ts';
import { checkInitializer } from '../initializers.ts';
import type { Initialization, Initializer, InitializerName } from '../initializers.ts';
import type { Regularizer, WeightSpec } from '../layer.ts';
import type { Shape } from '../shapes.ts';
import { constraint, initializer, regularizer } from '../../model/schema-parts.ts';

/** Kinds of weights, and what they start from unless told otherwise: Keras's choice. */
const ROLES = {
  kernel: ['kernel', 'glorotUniform'],
  depthwise: ['depthwise kernel', 'glorotUniform'],
  pointwise: ['pointwise kernel', 'glorotUniform'],
  recurrent: ['recurrent kernel', 'orthogonal'],
  bias: ['bias', 'zeros'],
  embeddings: ['embeddings', 'uniform'],
  gamma: ['factors', 'ones'],
  beta: ['offsets', 'zeros'],
  alpha: ['slopes', 'zeros'],
} as const satisfies Record<string, readonly [string, InitializerName]>;

export type Role = keyof typeof ROLES;

/** The keys that say how a kind of weights starts, and what holds it: "kernel" → kernelInitializer, kernelRegularizer, kernelConstraint. */
export type WeightOptions<R extends Role> = { readonly [Key in `${R}Initializer`]?: Initialization } & {
  readonly [Key in `${R}Regularizer`]?: Regularizer;
} & { readonly [Key in `${R}Constraint`]?: Constraint };

export function weightProperties(...roles: readonly Role[]): Record<string, JsonSchema> {
  return Object.fromEntries(
    roles.flatMap((role) => {
      const [noun, fallback] = ROLES[role];
      return [
        [`${role}Initializer`, initializer(fallback, `Distribution of the initial ${noun}.`)],
        [`${role}Regularizer`, { ...regularizer, description: `Penalty on the ${noun} that is added to the loss.` }],
        [
          `${role}Constraint`,
          { ...constraint, description: `What the ${noun} are brought back to after every update.`.replace(/(kernel|bias) are/, '$1 is') },
        ],
      ];
    }),
  );
}

/**
 * A trainable weight as the keys of its role declare it.
 *
 * @param initial in place of what is declared
 * @throws SHAPE_MISMATCH where the initializer or the constraint does not suit the shape
 */
export function weightOf<R extends Role>(
  role: R,
  shape: Shape,
  config: WeightOptions<R>,
  name: string = role,
  initial?: Initializer,
): WeightSpec {
  const options = config as Readonly<Record<string, unknown>>;
  const declared = initial ?? (options[`${role}Initializer`] as Initialization | undefined) ?? ROLES[role][1];
  const penalty = options[`${role}Regularizer`] as Regularizer | undefined;
  const bound = options[`${role}Constraint`] as Constraint | undefined;
  checkInitializer(declared, shape, name);
  if (bound !== undefined) checkConstraint(bound, shape, name);
  return {
    name,
    shape,
    initializer: declared,
    trainable: true,
    ...(penalty === undefined ? {} : { regularizer: penalty }),
    ...(bound === undefined ? {} : { constraint: bound }),
  };
}
