import type { JsonSchema } from '../../core/json.ts';
import { nameAndConfig, withDefaults } from '../model/named.ts';
import { number } from '../model/schema-parts.ts';
import { shapeError, showShape } from './shapes.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

/** What a weight is brought back to after every update. */
export interface ConstraintDefinition {
  readonly name: ConstraintName;
  readonly summary: string;
  readonly configSchema: JsonSchema;
  apply(tf: Tf, weight: Tensor, config: any): Tensor;
}

type Axes = number | readonly number[];

const axis: JsonSchema = {
  oneOf: [{ type: 'integer' }, { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 5 }],
  default: 0,
  description: 'Axes of the weight that one norm runs over: 0 for the inputs of a dense layer, [0, 1, 2] for the kernel of conv2d.',
  examples: [[0, 1, 2]],
};

/** Keras adds it to norms before it divides. */
const EPSILON = 1e-7;

const CONSTRAINTS = {
  maxNorm: {
    summary: 'Scales vectors of weights down to a largest norm.',
    properties: { maxValue: number('Largest norm.', 2, 3, { minimum: 0 }), axis },
    apply: (tf: Tf, weight: Tensor, config: { maxValue: number; axis: Axes }) =>
      scaled(tf, weight, config.axis, (norm) => tf.minimum(norm, config.maxValue)),
  },
  minMaxNorm: {
    summary: 'Scales vectors of weights to a norm between two bounds, at once or by and by.',
    properties: {
      minValue: number('Smallest norm.', 0, 0.5, { minimum: 0 }),
      maxValue: number('Largest norm.', 1, 2, { minimum: 0 }),
      rate: number('Share of the way that one update goes.', 1, 0.5, { minimum: 0, maximum: 1 }),
      axis,
    },
    apply: (tf: Tf, weight: Tensor, config: { minValue: number; maxValue: number; rate: number; axis: Axes }) =>
      scaled(tf, weight, config.axis, (norm) => {
        const bounded = tf.minimum(tf.maximum(norm, config.minValue), config.maxValue);
        return config.rate === 1 ? bounded : tf.add(tf.mul(bounded, config.rate), tf.mul(norm, 1 - config.rate));
      }),
  },
  nonNeg: { summary: 'No weight below 0.', properties: {}, apply: (tf: Tf, weight: Tensor) => tf.maximum(weight, 0) },
  unitNorm: {
    summary: 'Scales vectors of weights to the norm 1.',
    properties: { axis },
    apply: (tf: Tf, weight: Tensor, config: { axis: Axes }) => scaled(tf, weight, config.axis, (norm) => tf.onesLike(norm)),
  },
} as const;

export type ConstraintName = keyof typeof CONSTRAINTS;

/** A name, or an object with one key, the name, and its settings. */
export type Constraint = ConstraintName | { readonly [Name in ConstraintName]?: Readonly<Record<string, unknown>> };

export const constraints: readonly ConstraintDefinition[] = (Object.keys(CONSTRAINTS) as ConstraintName[]).map((name) => {
  const { summary, properties, apply } = CONSTRAINTS[name];
  return { name, summary, apply, configSchema: { type: 'object', description: summary, additionalProperties: false, properties } };
});

const byName: ReadonlyMap<string, ConstraintDefinition> = new Map(constraints.map((definition) => [definition.name, definition]));

/** The weight brought back into its bounds. */
export function constrain(tf: Tf, weight: Tensor, constraint: Constraint): Tensor {
  const [definition, config] = resolved(constraint);
  return definition.apply(tf, weight, config);
}

/** @throws SHAPE_MISMATCH where the constraint names an axis that the weight lacks */
export function checkConstraint(constraint: Constraint, shape: readonly number[], weight: string): void {
  const [definition, config] = resolved(constraint);
  const axes = [(config.axis as Axes | undefined) ?? []].flat() as number[];
  const lacking = axes.find((each) => each >= shape.length || each < -shape.length);
  if (lacking !== undefined)
    throw shapeError(
      `the constraint ${definition.name} runs over axis ${lacking}, but "${weight}" has the shape ${showShape(shape)}`,
      `Give "axis" from 0 to ${shape.length - 1}.`,
    );
}

function resolved(constraint: Constraint): [ConstraintDefinition, Record<string, unknown>] {
  const [name, settings] = nameAndConfig('constraint', constraint);
  const definition = byName.get(name)!;
  return [definition, withDefaults(definition.configSchema, settings)];
}

function scaled(tf: Tf, weight: Tensor, axes: Axes, wanted: (norm: Tensor) => Tensor): Tensor {
  const norm = tf.sqrt(tf.sum(tf.square(weight), axes as number | number[], true));
  return tf.mul(weight, tf.div(wanted(norm), tf.add(norm, EPSILON)));
}
