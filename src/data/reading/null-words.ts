import type { ColumnType } from '../stored/column.ts';
import { isMissingWord, numberOfText } from './numbers.ts';
import { momentOfNumber, momentOfText } from './timestamps.ts';
import { numberFormatOf, timestampFormatOf } from './value-format.ts';
import type { ValueFormat } from './value-format.ts';

interface Words {
  readonly type: ColumnType;
  readonly format?: ValueFormat;
  readonly nullValues?: readonly string[];
}

/**
 * The values that the texts for a missing value are in a column. A source may write -999 and a client send the number, or -999.0: a
 * value is missing by what it is, not by what brought it. Points in time are milliseconds.
 */
export function missingValues({ type, format, nullValues = [] }: Words): readonly number[] {
  if (type !== 'number' && type !== 'integer' && type !== 'timestamp') return [];
  const values = nullValues.flatMap((text) => {
    if (text.trim() === '' || isMissingWord(text)) return [];
    return type === 'timestamp' ? moments(text, format) : [numberOfText(text, numberFormatOf(format)), numberOfText(text, undefined)];
  });
  return [...new Set(values.filter((value) => !Number.isNaN(value)))];
}

function moments(text: string, format: ValueFormat | undefined): number[] {
  const own = timestampFormatOf(format);
  return own?.unit === undefined ? [momentOfText(text, own)] : [momentOfNumber(numberOfText(text, undefined), own)];
}

/** Of the texts those that a number is when it is written. */
export function missingNumbers(nullValues: readonly string[]): readonly number[] {
  return nullValues.filter((text) => String(Number(text)) === text && text !== 'NaN').map(Number);
}
