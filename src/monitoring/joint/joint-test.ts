import type { JsonObject, JsonSchema } from '../../core/json.ts';
import type { Matrix } from '../trees/boosted-trees.ts';

/** What a test of whole rows found. */
export interface JointScore {
  /** How different the rows are, whatever their number. */
  readonly effect: number;
  /** Chance of an effect as large where nothing changed. */
  readonly pValue: number;
}

/**
 * Compares whole rows as they were at training with how they are now, all columns at once: it also sees columns that changed towards each
 * other alone. Rows are numbers by then: see `encode-rows.ts`. They have drifted where the effect is above its threshold, and the p-value
 * below its own.
 */
export interface JointTestDefinition {
  readonly name: string;
  readonly summary: string;
  /** What the effect is, in a few words, e.g. "ROC AUC". */
  readonly effect: string;
  /** Where it comes from is said in the file. */
  readonly defaultThreshold: number;
  /** Smallest number of rows on either side for which the score means anything. */
  readonly minRows: number;
  /** Rows of either side that are looked at, at most: drawn by seed, the same ones each time. */
  readonly defaultRows: number;
  readonly configSchema: JsonSchema;
  readonly reference: string;
  /** Milliseconds that it takes, roughly: what is long is done in a thread. */
  cost(rows: number, width: number): number;
  /**
   * Both sides have at least `minRows` rows, finite, and the same columns, at least one. Equal rows and seeds give equal scores.
   *
   * @param seed of what is drawn by chance
   */
  compute(reference: Matrix, current: Matrix, seed: number): JointScore;
}

export function defineJointTest(definition: JointTestDefinition): JointTestDefinition {
  return Object.freeze(definition);
}

/** Share of windows of unchanged data that may be called drifted: as of columns. */
export const LEVEL = 0.00002;

/** The closed schema of a test's options. @param most rows of a side */
export function jointConfig(effect: string, threshold: number, rows: number, most: number): JsonSchema {
  const properties: JsonObject = {
    threshold: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: threshold,
      description: `The rows have drifted where the ${effect} is above this, and the p-value below its own threshold.`,
      examples: [threshold],
    },
    pValue: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: LEVEL,
      description: 'Share of windows of unchanged data that may be called drifted.',
      examples: [0.001],
    },
    rows: {
      type: 'integer',
      minimum: 100,
      maximum: most,
      default: rows,
      description: 'Rows of either side that are looked at, at most; of more, so many are drawn, the same ones each time.',
    },
  };
  return { type: 'object', additionalProperties: false, properties };
}

/** Both sides below each other. */
export function stacked(reference: Matrix, current: Matrix): Matrix {
  const values = new Float64Array(reference.values.length + current.values.length);
  values.set(reference.values);
  values.set(current.values, reference.values.length);
  return { rows: reference.rows + current.rows, width: reference.width, values };
}
