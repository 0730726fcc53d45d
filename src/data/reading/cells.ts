import type { Column, ColumnType } from '../stored/column.ts';
import type { SourceReading } from '../stored/dataset.ts';
import { shortestOfFloat32 } from './float32.ts';
import { textOfValue } from './json-text.ts';
import { missingNumbers, missingValues } from './null-words.ts';
import { isMissingWord, numberOfText } from './numbers.ts';
import { momentOfNumber, momentOfText } from './timestamps.ts';
import { numberFormatOf, timestampFormatOf } from './value-format.ts';
import type { ValueFormat } from './value-format.ts';

/** How a model reads the values of a column. */
export interface CellReading {
  readonly type: Exclude<ColumnType, 'image'>;
  readonly format?: ValueFormat;
  /** Texts that mean a missing value. */
  readonly nullValues?: readonly string[];
  readonly float32?: true;
}

/** A column with all that decides on its values, as the source of a model was read. */
export function asModelReads<T extends ColumnType>(
  { name, type }: { readonly name: string; readonly type: T },
  reading: SourceReading | undefined,
): Column & { readonly type: T } {
  const { format, float32 } = reading?.columns.find((column) => column.name === name) ?? {};
  return {
    name,
    type,
    nullValues: (reading?.source['nullValues'] ?? []) as readonly string[],
    ...(format === undefined ? {} : { format }),
    ...(float32 === undefined ? {} : { float32 }),
  };
}

/** A value that is not of the column's type. */
export const UNREADABLE = Symbol('unreadable');
export type Unreadable = typeof UNREADABLE;

type Cell = number | string | null | Unreadable;

/**
 * Reads cells of rows by the rules that read the source (their SQL is in `column-sql.ts`): a number (true and false are 1 and 0, points
 * in time milliseconds since 1970 UTC), a text, or null where it is missing. What a value is does not depend on what brought it: the
 * number -999 is missing where the text "-999" is.
 */
export function cellReader(reading: CellReading): (value: unknown) => Cell {
  const { type, nullValues = [], float32 } = reading;
  const words = new Set(nullValues);
  const numbers = new Set(missingNumbers(nullValues));
  const isWord = (value: unknown): boolean =>
    typeof value === 'number' ? numbers.has(value) : words.size > 0 && words.has(textOfValue(value) ?? '');
  const missing = new Set(missingValues(reading));
  const rounds = float32 === true && (type === 'number' || type === 'integer' || type === 'string');
  const isItself = readsNumbersAsTheyAre(reading);
  return (given) => {
    // What nearly all cells are: of a number that is not NaN nothing has to be looked at.
    if (isItself && typeof given === 'number' && given === given) return given;
    if (given === null || given === undefined) return null;
    const value = rounds && typeof given === 'number' ? shortestOfFloat32(given) : given;
    if (type === 'string') {
      const text = textOfValue(value);
      return text === undefined ? UNREADABLE : words.has(text) ? null : text;
    }
    if (isWord(value)) return null;
    if (typeof value === 'string' && (value.trim() === '' || isMissingWord(value))) return null;
    const read = type === 'boolean' ? booleanOf(value) : type === 'timestamp' ? momentOf(value, reading.format) : numberOf(value, reading);
    return typeof read === 'number' && missing.has(read) ? null : read;
  };
}

/** Whether any number but NaN is the value of its cell. */
export function readsNumbersAsTheyAre({
  type,
  nullValues = [],
  float32,
}: Omit<CellReading, 'type'> & { readonly type: ColumnType }): boolean {
  return (type === 'number' || type === 'integer') && float32 !== true && nullValues.length === 0;
}

/** The value of one cell. */
export function readCell(value: unknown, reading: CellReading): Cell {
  return cellReader(reading)(value);
}

function numberOf(value: unknown, { format, float32 }: CellReading): number | null | Unreadable {
  if (typeof value === 'number') return Number.isNaN(value) ? null : value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string') return UNREADABLE;
  const number = numberOfText(value, numberFormatOf(format));
  return Number.isNaN(number) ? UNREADABLE : float32 === true ? shortestOfFloat32(number) : number;
}

const BOOLEANS: ReadonlyMap<string, number> = new Map([
  ['true', 1],
  ['false', 0],
  ['yes', 1],
  ['no', 0],
  ['1', 1],
  ['0', 0],
]);

function booleanOf(value: unknown): number | Unreadable {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number' || typeof value === 'bigint')
    return Number(value) === 0 || Number(value) === 1 ? Number(value) : UNREADABLE;
  return typeof value === 'string' ? (BOOLEANS.get(value.trim().toLowerCase()) ?? UNREADABLE) : UNREADABLE;
}

function momentOf(value: unknown, format: ValueFormat | undefined): number | null | Unreadable {
  const own = timestampFormatOf(format);
  let moment: number;
  if (value instanceof Date) moment = value.getTime();
  else if (typeof value === 'number' || typeof value === 'bigint') {
    if (Number.isNaN(value)) return null;
    moment = momentOfNumber(Number(value), own);
  } else if (typeof value !== 'string') return UNREADABLE;
  else {
    moment = own?.unit === undefined ? momentOfText(value, own) : momentOfNumber(numberOfText(value, undefined), own);
    // The form of JSON is always understood: it is what the product itself writes.
    if (Number.isNaN(moment) && own !== undefined && /^\d{4}-\d{2}-\d{2}T.*Z$/.test(value)) moment = momentOfText(value, undefined);
  }
  return Number.isNaN(moment) ? UNREADABLE : moment;
}
