import type { ColumnType } from '../stored/column.ts';
import { isMissingWord, numberOfText } from './numbers.ts';
import { textOfValue } from './json-text.ts';
import { momentOfNumber, momentOfText } from './timestamps.ts';
import { numberFormatOf, timestampFormatOf } from './value-format.ts';
import type { ValueFormat } from './value-format.ts';

/** How a model reads the values of a column. */
export interface CellReading {
  readonly type: Exclude<ColumnType, 'image'>;
  readonly format?: ValueFormat;
  /** Texts that mean a missing value. */
  readonly nullValues?: readonly string[];
}

/** A value that is not of the column's type. */
export const UNREADABLE = Symbol('unreadable');
export type Unreadable = typeof UNREADABLE;

/**
 * The value of one cell of a row, by the rules that read the source (their SQL is in `column-sql.ts`): a number (true and false are 1
 * and 0, points in time milliseconds since 1970 UTC), a text, or null where it is missing.
 */
export function readCell(value: unknown, { type, format, nullValues = [] }: CellReading): number | string | null | Unreadable {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') {
    if (nullValues.includes(value)) return null;
    if (type === 'string') return value;
    if (value.trim() === '' || isMissingWord(value)) return null;
  }
  switch (type) {
    case 'string':
      return textOfValue(value) ?? UNREADABLE;
    case 'boolean':
      return booleanOf(value);
    case 'timestamp':
      return momentOf(value, format);
    case 'number':
    case 'integer': {
      const number =
        typeof value === 'string'
          ? numberOfText(value, numberFormatOf(format))
          : typeof value === 'number'
            ? value
            : typeof value === 'bigint'
              ? Number(value)
              : UNREADABLE;
      if (number === UNREADABLE) return number;
      if (Number.isNaN(number)) return typeof value === 'number' ? null : UNREADABLE;
      return number;
    }
  }
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
