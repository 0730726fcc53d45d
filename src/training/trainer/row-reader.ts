import type { ExamplesReader } from '../../data/stored/examples.ts';

/** Random access to the rows of one split; the label is the tensor `@label`. */
export type RowReader = Pick<ExamplesReader, 'rows' | 'read' | 'gather'>;

/** Rows that may not all fit into memory. */
export type StreamReader = Omit<ExamplesReader, 'read'>;
