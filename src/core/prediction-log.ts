/** What is kept of the predictions of a model. As declared, and as the routing of the model keeps it. */
export interface PredictionLogSettings {
  /** Part of the predictions that is logged, 0 to 1; 0: none. A server can be told to log less. Default: 1. */
  readonly share?: number;
  /** Columns of the rows that are not written. */
  readonly leaveOut?: readonly string[];
  /** Columns of which a digest is written in place of the value: equal values stay equal. */
  readonly hash?: readonly string[];
  /** How long they are kept, e.g. "90d": `models gc` removes older ones. Default: as `models gc` is told. */
  readonly keep?: string;
}

/** What a logged row does not show, by name of the column. */
export interface HiddenColumns {
  readonly leftOut?: readonly string[];
  readonly hashed?: readonly string[];
}

/** What the names of columns of answers begin with where they stand beside those of rows. */
export const ANSWER_PREFIX = 'prediction.';
