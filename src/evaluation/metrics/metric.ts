import { PerennialError } from '../../core/errors.ts';
import type { JsonObject, JsonSchema } from '../../core/json.ts';
import type { Aliased } from '../../core/registry.ts';

/**
 * What is judged: classes of any number, exactly two classes, numbers, the error of reconstructions, that error where it is known
 * which rows are anomalies, samples, or how well the tokens of texts are foreseen.
 */
export type MetricTask = 'classification' | 'binary' | 'regression' | 'generation' | 'reconstruction' | 'anomaly' | 'language';

/** Predictions of classes. Scores are row-major, `rows * classes.length`. */
export interface ClassChunk {
  readonly kind: 'classes';
  readonly rows: number;
  readonly classes: readonly string[];
  /** Index into `classes` of the class that precision, recall and their like are about. */
  readonly positive: number;
  readonly labels: Int32Array;
  readonly predicted: Int32Array;
  readonly scores: Float64Array;
  /** false where the scores are margins or logits, which only rank. */
  readonly probabilities: boolean;
  /** How much each row counts, where rows carry weights: as so many rows, also of a fraction. Absent: each counts once. */
  readonly weights?: Float64Array;
  /** Errors of the reconstructions, where the classes are "normal" (0) and "anomaly" (1). */
  readonly errors?: Float64Array;
}

/** Reconstructions, of which nobody says what they should be. */
export interface ErrorChunk {
  readonly kind: 'errors';
  readonly rows: number;
  readonly errors: Float64Array;
  readonly weights?: Float64Array;
  /** 1 where the error is above the threshold. */
  readonly flagged: Int32Array;
}

/** Predictions of numbers in the units of the source data. Both arrays are row-major, `rows * width`. */
export interface NumberChunk {
  readonly kind: 'number';
  readonly rows: number;
  readonly width: number;
  readonly labels: Float64Array;
  readonly predictions: Float64Array;
  readonly weights?: Float64Array;
  /** Mean absolute error of the naive forecast on the training rows; absent: there is none. */
  readonly naiveError?: number;
}

/** Features of test examples, of as many samples, and of what the same generator made before training: row-major, `rows * width`. */
export interface SampleChunk {
  readonly kind: 'samples';
  readonly rows: number;
  readonly real: ArrayLike<number>;
  readonly generated: ArrayLike<number>;
  readonly untrained: ArrayLike<number>;
}

/** Places of texts where a token follows. */
export interface TokenChunk {
  readonly kind: 'tokens';
  /** Number of places. */
  readonly rows: number;
  /** Negative natural logarithm of the share of the token that follows. */
  readonly losses: Float64Array;
  /** 1 where that token had the largest share. */
  readonly hits: ArrayLike<number>;
}

export type Chunk = ClassChunk | NumberChunk | ErrorChunk;

/** What stays the same over all chunks of a set. */
export interface MetricContext {
  readonly classes: readonly string[];
  readonly positive: number;
  /** Values per row: the number of classes, the width of the label, or of the features. */
  readonly width: number;
}

/**
 * A metric over a whole set, never a mean of batch values: `update` gathers chunk after chunk into the state, `merge` joins two
 * states, `result` gives the number. Splitting or reordering the rows does not change the result.
 *
 * One rule for what is not defined: where the definition divides by zero or takes the logarithm of what is not positive (no rows, one
 * class, constant labels, a share of 0), `result` throws {@link undefinedMetric}, which says on how many rows and what to ask in its
 * place. A value by convention is only given where the options name it ("zeroDivision").
 */
export interface MetricDefinition<C = any, S = any, K extends Chunk | SampleChunk | TokenChunk = any> extends Aliased {
  readonly name: string;
  readonly summary: string;
  readonly tasks: readonly MetricTask[];
  readonly direction: 'maximize' | 'minimize';
  /** Smallest and largest value; null: unbounded. */
  readonly range: readonly [number | null, number | null];
  readonly configSchema: JsonSchema;
  /** Where the definition comes from. */
  readonly reference: string;
  init(config: C, context: MetricContext): S;
  update(state: S, chunk: K, config: C): void;
  /** Adds `other` to `state`. */
  merge(state: S, other: S): void;
  result(state: S, config: C, context: MetricContext): number;
  /** What the number is not about although the model is, e.g. classes of which there is no row; a sentence without a full stop. */
  note?(state: S, config: C, context: MetricContext): string | undefined;
}

export function defineMetric<C, S, K extends Chunk | SampleChunk | TokenChunk>(
  definition: MetricDefinition<C, S, K>,
): MetricDefinition<C, S, K> {
  return Object.freeze(definition);
}

/**
 * The closed schema of a metric's options. Every metric takes `as`, so that one metric can be asked for twice, and `of`, for models with
 * several outputs.
 */
export function metricConfig(properties: JsonObject = {}): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...properties,
      as: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_]{0,62}$',
        description: 'Name of the result. Needed where one metric is asked for twice with different options.',
        examples: ['macroF1'],
      },
      of: {
        type: 'string',
        minLength: 1,
        description:
          'Of a model with several outputs: the label that is judged. Default: every label that the metric fits, as "<label>.<metric>".',
        examples: ['species'],
      },
    },
  };
}

/** How per-class values of precision, recall and F become one number. */
export type Average = 'auto' | 'binary' | 'macro' | 'micro' | 'weighted';

export const AVERAGE_SCHEMA: JsonObject = {
  enum: ['auto', 'binary', 'macro', 'micro', 'weighted'],
  default: 'auto',
  description:
    '"binary": the positive class alone. "macro": mean over the classes that occur. "weighted": mean weighted by the rows of each class. "micro": over all rows at once. "auto": binary for two classes, else macro.',
  examples: ['macro'],
};

export const ZERO_DIVISION_SCHEMA: JsonObject = {
  enum: [0, 1, 'error'],
  default: 0,
  description: 'Value of a class where the ratio is 0/0 (never predicted, or absent), or "error" to refuse.',
  examples: [0],
};

const UNDEFINED = 'undefinedMetric';

/** The error of a metric that has no value on this set. Recognised by {@link isUndefinedMetric}. */
export function undefinedMetric(
  metric: string,
  why: string,
  hint = 'Use a larger or stratified test split, or another metric.',
): PerennialError {
  return new PerennialError('DATA_INVALID', `The metric "${metric}" is undefined here: ${why}.`, {
    hint,
    details: { metric, reason: UNDEFINED },
  });
}

export function isUndefinedMetric(error: unknown): error is PerennialError {
  return error instanceof PerennialError && error.details['reason'] === UNDEFINED;
}
