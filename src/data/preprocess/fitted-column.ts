import type { OutputSpec, TensorSpec } from '../../core/tensor.ts';
import type { Column } from '../stored/column.ts';
import type { SourceReading } from '../stored/dataset.ts';
import type { FittedSequence } from '../stored/sequence.ts';
import type { FittedLink } from './chain.ts';

/** A column with its fitted transforms. */
export interface FittedColumn extends Column {
  readonly required: boolean;
  readonly links: readonly FittedLink[];
  /** Images that no transform resizes: the size that all must have. */
  readonly size?: readonly [number, number];
  /** Part of `features`, or an input of its own; with the shape it gives per row. */
  readonly spec: TensorSpec & { readonly parts?: readonly string[] };
}

export interface PreprocessorParts {
  readonly columns: readonly FittedColumn[];
  readonly output: OutputSpec;
  readonly sequence?: FittedSequence;
  readonly seed: number;
  readonly reading?: SourceReading;
}

/** The largest number of a float32. */
export const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

/** Input that numbers and one-hot columns are joined to, in the order of the document. */
export const FEATURES = 'features';
