import type { ValueFormat } from '../reading/value-format.ts';

export type ColumnType = 'number' | 'integer' | 'boolean' | 'string' | 'timestamp' | 'image';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** How its values are written, where the document says so. */
  readonly format?: ValueFormat;
  /** Texts that mean a missing value. */
  readonly nullValues?: readonly string[];
  /** Says where the row comes from, as the file of an image: nothing to learn from. */
  readonly origin?: true;
}
