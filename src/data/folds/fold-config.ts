/** Most folds: each is a training of its own. */
export const FOLDS_MAX = 20;

/** `with` of a fold step, defaults filled in. */
export interface FoldConfig {
  readonly folds: number;
  /** Which one is held out, from 1 on. */
  readonly fold: number;
  readonly by: 'hash' | 'random' | 'time';
  /** Orders the rows, where they are divided by time. */
  readonly column?: string;
  /** Rows with the same value of this column stay together. */
  readonly key?: string;
  /** Absent: where the label names classes. */
  readonly stratify?: boolean;
  readonly seed: number;
}
