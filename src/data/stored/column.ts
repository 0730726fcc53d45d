import type { ValueFormat } from '../reading/value-format.ts';

export type ColumnType = 'number' | 'integer' | 'boolean' | 'string' | 'timestamp' | 'image';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** How its values are written, where the document says so. */
  readonly format?: ValueFormat;
  /** Texts that mean a missing value. */
  readonly nullValues?: readonly string[];
  /** Its source has 32 bits for each number: a value is the shortest decimal that they stand for, 0.7 and not 0.699999988079071. */
  readonly float32?: true;
  /** Its values are lists, structs or maps, written as JSON. */
  readonly nested?: true;
  /** Of a source that writes a missing value in another way: what would mean one in a CSV file, and is a value here, such as "NA". */
  readonly words?: readonly string[];
  /** Says where the row comes from, as the file of an image: nothing to learn from. */
  readonly origin?: true;
}
