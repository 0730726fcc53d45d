import type { ColumnType } from '../stored/column.ts';
import type { ValueFormat } from './value-format.ts';

/**
 * What a reader found in a column. `text`: as it is written in a file without types, so that its type follows from its values by our
 * rules. `string`: a text by its source, which stays one unless it holds nothing but points in time (no format of ours has both).
 * `exact`: numbers that may have more digits than a double holds (DECIMAL, 64 and 128 bits).
 */
export type SourceKind = 'text' | 'string' | 'exact' | Exclude<ColumnType, 'string'>;

export interface RawColumn {
  readonly name: string;
  readonly from: SourceKind;
  /** Name of the column in the SQL of the reader: c0, c1, … */
  readonly id: string;
  /** SQL of its text, where a plain cast would not give what JSON of the same value shows. */
  readonly text?: string;
  /** Its type is certain: a text stays one, whatever its values look like. */
  readonly fixed?: true;
  /** Says where a row comes from (the file of an image): nothing to learn from. */
  readonly origin?: true;
  /** The source has no name for it. */
  readonly unnamed?: true;
  /** Its numbers have 32 bits, and are read as the shortest decimals of them. */
  readonly float32?: true;
  /** Its values are lists, structs or maps, as texts of JSON. */
  readonly nested?: true;
  /** Its texts are numbers by its source (JSON): in a column of points in time they count from 1970, as in a request. */
  readonly numbers?: true;
}

/** A column with the type that it is read as. */
export interface TypedColumn {
  readonly name: string;
  readonly id: string;
  readonly from: SourceKind;
  readonly text?: string;
  readonly type: ColumnType;
  readonly format?: ValueFormat;
  readonly origin?: true;
  readonly float32?: true;
  readonly nested?: true;
  readonly numbers?: true;
  /** Texts that mean a missing value. */
  readonly nullValues?: readonly string[];
  /** The reader has taken such texts out; values that are equal to them are left. */
  readonly nullsTaken?: true;
}

/** What is known of a column of a source before its type is. */
export function typedOf({ name, id, from, text, origin, float32, nested, numbers }: RawColumn): Omit<TypedColumn, 'type'> {
  return {
    name,
    id,
    from,
    ...(text === undefined ? {} : { text }),
    ...(origin === undefined ? {} : { origin }),
    ...(float32 === undefined ? {} : { float32 }),
    ...(nested === undefined ? {} : { nested }),
    ...(numbers === undefined ? {} : { numbers }),
  };
}
