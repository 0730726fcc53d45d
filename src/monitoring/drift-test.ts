import type { JsonObject, JsonSchema } from '../core/json.ts';

/** Values of a column of numbers. */
export interface NumberSample {
  readonly kind: 'number';
  /** Finite values, ascending. */
  readonly values: Float64Array;
}

/** Counts of a column of categories. */
export interface CategorySample {
  readonly kind: 'category';
  readonly counts: ReadonlyMap<string, number>;
  /** Rows of values that were too rare to be kept by name. */
  readonly other: number;
}

export type FeatureSample = NumberSample | CategorySample;

/**
 * Compares a column as it was at training with how it is now. Missing values take no part: they are reported beside the score. A
 * p-value drifts where it falls below the threshold, a distance where it exceeds it.
 */
export interface DriftTestDefinition {
  readonly name: string;
  readonly summary: string;
  readonly featureTypes: readonly FeatureSample['kind'][];
  readonly score: 'pValue' | 'distance';
  /** Where the threshold comes from is said in the file. */
  readonly defaultThreshold: number;
  /** Smallest number of values on either side for which the score means anything. */
  readonly minSamples: number;
  /** true: exchanging the two samples gives the same score. */
  readonly symmetric: boolean;
  readonly configSchema: JsonSchema;
  readonly reference: string;
  /** Both samples are of the same kind and have at least `minSamples` values. */
  compute(reference: FeatureSample, current: FeatureSample): number;
}

export function defineDriftTest(definition: DriftTestDefinition): DriftTestDefinition {
  return Object.freeze(definition);
}

/** The closed schema of a test's options. */
export function driftConfig(score: DriftTestDefinition['score'], threshold: number): JsonSchema {
  const properties: JsonObject = {
    threshold: {
      type: 'number',
      minimum: 0,
      ...(score === 'pValue' ? { maximum: 1 } : {}),
      default: threshold,
      description: score === 'pValue' ? 'The column has drifted where the p-value is below this.' : 'The column has drifted where the distance is above this.',
      examples: [threshold],
    },
  };
  return { type: 'object', additionalProperties: false, properties };
}

export function drifted(test: DriftTestDefinition, score: number, threshold: number): boolean {
  return test.score === 'pValue' ? score < threshold : score > threshold;
}

/** Number of values of a sample. */
export function sizeOf(sample: FeatureSample): number {
  if (sample.kind === 'number') return sample.values.length;
  let total = sample.other;
  for (const count of sample.counts.values()) total += count;
  return total;
}
