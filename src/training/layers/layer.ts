import type { Shape } from './shapes.ts';
import type { JsonSchema } from '../../core/json.ts';
import type { Constraint } from './constraints.ts';
import type { Initializer } from './initializers.ts';
import type { KerasMapping } from '../keras/mapping.ts';
import type { Seed, Tensor, Tf } from '../tensorflow/tf.ts';

export interface Regularizer {
  readonly l1?: number;
  readonly l2?: number;
}

/** A weight of a layer, in Keras's order and layout. */
export interface WeightSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly initializer: Initializer;
  /** false: statistics that `call` moves by `update`. */
  readonly trainable: boolean;
  readonly regularizer?: Regularizer;
  /** What the weight is brought back to after every update. */
  readonly constraint?: Constraint;
}

/** What a call may know besides its inputs. */
export interface CallContext {
  readonly training: boolean;
  /** Of a layer that serves while it is frozen, bool [1]: false as long as it does, although `training` is true. */
  readonly awake?: Tensor;
  /** Per input: [batch, time] float32, 1 where the step counts. Undefined: every step counts. */
  readonly masks: readonly (Tensor | undefined)[];
  /** Draws are functions of these two int32 values: one of the layer, one of the iteration. */
  readonly seed: Seed;
  /** Sets a weight that is not trainable, after the step. */
  update(weight: string, value: Tensor): void;
  /** Adds to the loss, in training and in evaluation: a value per row [batch], or a scalar for the whole batch. */
  addLoss(loss: Tensor): void;
}

/**
 * Computes examples, each for itself: their values of each input in, those of the output out, both row-major, as many examples as the
 * output has room for.
 */
export type PlainCall = (inputs: readonly Float64Array[], output: Float64Array) => void;

/**
 * A layer is three pure functions: shapes, weights, and the call on tensors. Nothing here holds state; the network owns the weights.
 * `call` must be differentiable by tfjs, and draw random numbers only through the seeds of its context.
 */
export interface LayerDefinition<C = any> {
  readonly type: string;
  readonly summary: string;
  readonly configSchema: JsonSchema;
  /** Most inputs that the layer takes. */
  readonly inputsMax: number;
  /** @throws SHAPE_MISMATCH through {@link shapeError} */
  outputShape(inputs: readonly Shape[], config: C): Shape;
  weights(inputs: readonly Shape[], config: C): readonly WeightSpec[];
  call(tf: Tf, inputs: readonly Tensor[], weights: Readonly<Record<string, Tensor>>, config: C, context: CallContext): Tensor;
  /**
   * The same as `call` where a model serves and nothing is masked, without the library. undefined: it takes the library. Left out:
   * always.
   */
  readonly plain?: (inputs: readonly Shape[], weights: Readonly<Record<string, Float32Array>>, config: C) => PlainCall | undefined;
  /** The mask of the output: that of the input ("keep"), none ("drop"), or one made from the inputs. */
  readonly mask:
    'keep' | 'drop' | ((tf: Tf, inputs: readonly Tensor[], config: C, masks: readonly (Tensor | undefined)[]) => Tensor | undefined);
  /** An example for the harness: input shapes (and the bound of integer inputs) with a configuration. */
  readonly examples: readonly LayerExample<C>[];
  /** Changes images while training, and may stand in "augmentation" of an architecture. */
  readonly augmentation?: boolean;
  /** Where the layer is frozen, its call is that of a served model, in training too. */
  readonly servesWhenFrozen?: boolean;
  /** What it is in Keras; left out where Keras has no such layer. */
  readonly keras?: KerasMapping<C>;
  /** Where its definition is published. */
  readonly reference: string;
}

export interface LayerExample<C> {
  readonly inputs: readonly Shape[];
  /** Inputs are integers below this bound. */
  readonly integersBelow?: number;
  /** What is left out is as the schema says. */
  readonly config: Partial<C>;
}

type LayerParts<C> = Omit<LayerDefinition<C>, 'configSchema' | 'inputsMax' | 'weights' | 'mask' | 'reference'> &
  Partial<Pick<LayerDefinition<C>, 'inputsMax' | 'weights' | 'mask' | 'reference'>> & {
    /** Schemas of the keys of the configuration, by name. */
    readonly properties: Readonly<Record<string, JsonSchema>>;
    readonly required?: readonly string[];
  };

/** `name` and `inputs` are keys of every layer. */
const COMMON: Record<string, JsonSchema> = {
  name: {
    type: 'string',
    pattern: '^[A-Za-z][A-Za-z0-9_]*$',
    maxLength: 64,
    description: 'Name of the layer, unique in the model. Default: its type and a number.',
    examples: ['hidden'],
  },
  inputs: {
    type: 'array',
    items: { type: 'string' },
    minItems: 1,
    description: 'Names of the layers or model inputs that this layer reads. Default: the layer before it.',
    examples: [['left', 'right']],
  },
};

export function defineLayer<C>(parts: LayerParts<C>): LayerDefinition<C> {
  const { properties, required, ...rest } = parts;
  return Object.freeze({
    inputsMax: 1,
    weights: () => [],
    mask: 'keep' as const,
    reference: `https://keras.io/api/layers/ (${parts.type})`,
    ...rest,
    configSchema: {
      type: 'object',
      description: parts.summary,
      additionalProperties: false,
      properties: { ...properties, ...COMMON },
      ...(required === undefined ? {} : { required }),
    },
  });
}
