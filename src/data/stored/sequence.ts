import type { Column } from './column.ts';

/** `sequence` of a preprocess step. */
export interface SequenceConfig {
  readonly size: number;
  /** 1 where left out. */
  readonly horizon: number;
  readonly by: string;
  /** The column, or columns, that name the series. */
  readonly key?: string | readonly string[];
  /** Longest time between rows that follow each other. */
  readonly gap?: string | number;
}

/** How a model cuts rows into windows, as it travels in `preprocessor.json`. */
export interface FittedSequence {
  readonly size: number;
  readonly horizon: number;
  readonly by: string;
  readonly key?: readonly Pick<Column, 'name' | 'type'>[];
  /** In milliseconds (or the unit of a numeric column); null: no gap is told apart. Absent in models before there was this rule. */
  readonly gap?: number | null;
  /** Series with a rhythm of their own, by {@link keysOf}. */
  readonly gaps?: Readonly<Record<string, number | null>>;
}
