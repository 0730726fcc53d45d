import type { JsonSchema } from '../../core/json.ts';
import type { Aliased } from '../../core/registry.ts';
import { number } from '../model/schema-parts.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

/** What every optimizer can be told. */
export interface CommonOptimizerConfig {
  readonly learningRate: number;
  /** Each weight's gradient is scaled down to this norm. */
  readonly clipNorm?: number;
  /** All gradients together are scaled down to this norm. */
  readonly globalClipNorm?: number;
  readonly clipValue?: number;
  /** Before each update weights shrink by this share of the learning rate. */
  readonly weightDecay?: number;
}

export interface OptimizerStep {
  /** All trainable weights, one after the other, as one vector [n]. */
  readonly weights: Tensor;
  readonly gradient: Tensor;
  readonly slots: Readonly<Record<string, Tensor>>;
  /** What {@link OptimizerDefinition.scalars} gave for this update, each as a float32 scalar; "momentum" where a schedule moves it. */
  readonly scalars: Readonly<Record<string, Tensor>>;
}

export interface OptimizerResult {
  readonly weights: Tensor;
  readonly slots: Readonly<Record<string, Tensor>>;
}

/** One update of all weights at once. State lies in named slots as long as the weights; nothing else is remembered. */
export interface OptimizerDefinition<C extends CommonOptimizerConfig = any> extends Aliased {
  readonly name: string;
  readonly summary: string;
  readonly configSchema: JsonSchema;
  /** The setting that a schedule of the momentum moves. `update` then reads it from its scalars. */
  readonly cycles?: 'momentum' | 'beta1';
  /** Slot → its initial value. */
  slots(config: C): Readonly<Record<string, number>>;
  /**
   * Numbers that change from update to update, computed in double precision. Always the same names.
   *
   * @param step 1 for the first update
   */
  scalars(step: number, learningRate: number, config: C): Readonly<Record<string, number>>;
  update(tf: Tf, step: OptimizerStep, config: C): OptimizerResult;
  readonly reference: string;
}

export function defineOptimizer<C extends CommonOptimizerConfig>(
  parts: Omit<OptimizerDefinition<C>, 'configSchema' | 'scalars'> &
    Partial<Pick<OptimizerDefinition<C>, 'scalars'>> & {
      readonly learningRate: number;
      readonly weightDecay?: number;
      readonly properties?: Record<string, JsonSchema>;
    },
): OptimizerDefinition<C> {
  const { properties, learningRate, weightDecay, ...rest } = parts;
  const { scalars = (_step: number, rate: number) => ({ learningRate: rate }), update } = parts;
  const decays = (config: C): boolean => config.weightDecay !== undefined && config.weightDecay > 0;
  return Object.freeze({
    ...rest,
    scalars: (step: number, rate: number, config: C) => ({ ...scalars(step, rate, config), ...(decays(config) ? { decay: rate } : {}) }),
    update(tf: Tf, step: OptimizerStep, config: C) {
      if (!decays(config)) return update(tf, step, config);
      const { weights } = step;
      return update(tf, { ...step, weights: tf.sub(weights, tf.mul(tf.mul(weights, config.weightDecay!), step.scalars.decay!)) }, config);
    },
    configSchema: {
      type: 'object',
      description: parts.summary,
      additionalProperties: false,
      properties: {
        learningRate: number('Size of an update.', learningRate, learningRate, { exclusiveMinimum: 0 }),
        ...properties,
        weightDecay: number(
          'Share of the learning rate by which weights shrink before each update, apart from the gradient. Every weight shrinks, biases too.',
          weightDecay,
          0.01,
          { minimum: 0 },
        ),
        clipNorm: number('Scale the gradient of each weight down to this norm.', undefined, 1, { exclusiveMinimum: 0 }),
        globalClipNorm: number('Scale all gradients together down to this norm.', undefined, 1, { exclusiveMinimum: 0 }),
        clipValue: number('Cut each value of the gradients at plus and minus this value.', undefined, 0.5, { exclusiveMinimum: 0 }),
      },
    },
  });
}

/** The gradients of the weights, clipped as configured, in Keras's order: by weight, then all together, then by value. */
export function clipGradients(tf: Tf, gradients: readonly Tensor[], config: CommonOptimizerConfig): Tensor[] {
  let clipped = [...gradients];
  if (config.clipNorm !== undefined) clipped = clipped.map((gradient) => scaleToNorm(tf, [gradient], config.clipNorm!)[0]!);
  if (config.globalClipNorm !== undefined) clipped = scaleToNorm(tf, clipped, config.globalClipNorm);
  const { clipValue } = config;
  return clipValue === undefined ? clipped : clipped.map((gradient) => tf.clipByValue(gradient, -clipValue, clipValue));
}

function scaleToNorm(tf: Tf, gradients: readonly Tensor[], bound: number): Tensor[] {
  const squares = gradients.map((gradient) => tf.sum(tf.square(gradient)));
  const norm = tf.sqrt(squares.length === 1 ? squares[0]! : tf.addN(squares));
  const factor = tf.div(bound, tf.maximum(norm, bound));
  return gradients.map((gradient) => tf.mul(gradient, factor));
}
