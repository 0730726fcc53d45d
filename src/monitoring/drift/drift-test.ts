import type { JsonObject, JsonSchema } from '../../core/json.ts';
import { PartitionedValues } from '../../data/table/partitioned.ts';
import { firstAtLeast } from '../../data/table/ranks.ts';
import type { Ranks } from '../../data/table/ranks.ts';

/** Values of a column of numbers: all of them, or of many some with their exact places in the order. */
export interface NumberSample {
  readonly kind: 'number';
  /** Number of values, as tests count them. */
  readonly size: number;
  /** Present where all values are at hand. Looks closely only where it is asked. */
  readonly partitioned?: PartitionedValues;
  /** Number of values smaller than a limit. Between values that are not kept: that of the next one that is. */
  below(limit: number): number;
  /** The whole order; of all values at hand it is made when it is asked for. */
  ranks(): Ranks;
  /** Standard deviation of the population, where it is known better than from what is kept. */
  readonly deviation?: number;
}

/** Counts of a column of categories. */
export interface CategorySample {
  readonly kind: 'category';
  readonly counts: ReadonlyMap<string, number>;
  /** Rows of values that were not kept by name. */
  readonly other: number;
}

export type FeatureSample = NumberSample | CategorySample;

/** @param values finite, in any order */
export function numberSample(values: Float64Array): NumberSample {
  const partitioned = new PartitionedValues(values);
  return { kind: 'number', size: values.length, partitioned, below: (limit) => partitioned.below(limit), ranks: () => partitioned.ranks() };
}

/** @param deviation of the population that the ranks are of */
export function rankedSample(ranks: Ranks, deviation?: number): NumberSample {
  return {
    kind: 'number',
    size: ranks.size,
    ranks: () => ranks,
    ...(deviation === undefined ? {} : { deviation }),
    below(limit) {
      const index = firstAtLeast(ranks.values, limit);
      return index === ranks.values.length ? ranks.size : ranks.below[index]!;
    },
  };
}

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
      description:
        score === 'pValue'
          ? 'The column has drifted where the p-value is below this.'
          : 'The column has drifted where the distance is above this.',
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
  if (sample.kind === 'number') return sample.size;
  let total = sample.other;
  for (const count of sample.counts.values()) total += count;
  return total;
}
