import type { Json } from '../../../core/json.ts';
import type { ReportedPicture } from '../reported-picture.ts';

/** A part of the test rows on which a model does worse than on the others. */
export interface FoundSlice {
  /** One column or two, with the value or range of each. */
  readonly columns: readonly { readonly name: string; readonly value: string }[];
  readonly rows: number;
  /** Share of rows that are wrong, or mean of what the slice is measured by. */
  readonly value: number;
  /** The same of all other rows. */
  readonly others: number;
  /** Probability of such a slice by chance, times the number of slices that were looked at (Holm). */
  readonly p: number;
}

export interface SuspectedRow {
  /** Position in the test split, from 0. */
  readonly index: number;
  readonly label: string;
  /** The class that the model is sure of. */
  readonly suggested: string;
  /** Probability that the model gives the label that stands there. */
  readonly probability: number;
  readonly columns: Readonly<Record<string, Json | ReportedPicture>>;
}

/** A confusion of two classes. */
export interface ConfusedPair {
  readonly actual: string;
  readonly predicted: string;
  readonly rows: number;
  /** Of the rows of the true class. */
  readonly share: number;
}

/** What a column is worth to a model. */
export interface ColumnImportance {
  readonly column: string;
  /** How much worse the metric gets when the values of the column are shuffled: the mean of the shuffles, the least and the largest. */
  readonly loss: number;
  readonly low: number;
  readonly high: number;
}

export interface Costs {
  readonly falsePositive: number;
  readonly falseNegative: number;
}

export interface ThresholdPoint {
  readonly threshold: number;
  /** Mean over the rows. */
  readonly cost: number;
  readonly precision: number | null;
  readonly recall: number | null;
}

/** What a closer look at the test rows finds. */
export interface Insights {
  readonly slices?: {
    /** Slices that were looked at. */
    readonly looked: number;
    readonly columns: readonly string[];
    readonly measure: 'share of wrong rows' | 'absolute error' | 'error of the reconstruction';
    readonly found: readonly FoundSlice[];
  };
  readonly confused?: readonly ConfusedPair[];
  readonly suspected?: { readonly found: number; readonly rows: readonly SuspectedRow[] };
  /** Test rows that stand in the training or validation rows too. */
  readonly duplicates?: { readonly rows: number; readonly of: number; readonly examples: readonly number[] };
  readonly importance?: {
    readonly metric: string;
    readonly rows: number;
    readonly shuffles: number;
    readonly columns: readonly ColumnImportance[];
  };
  readonly thresholds?: {
    readonly positive: string;
    readonly costs: Costs;
    /** false: the document declares none, and both mistakes count the same. */
    readonly declared: boolean;
    readonly points: readonly ThresholdPoint[];
    readonly best: ThresholdPoint;
    readonly used: ThresholdPoint;
  };
}
