import type { Row } from '../core/tensor.ts';
import { parseJson } from '../data/reading/json-numbers.ts';
import { textOfValue } from '../data/reading/json-text.ts';
import { numberOfText } from '../data/reading/numbers.ts';
import { numberFormatOf, timestampFormatOf } from '../data/reading/value-format.ts';
import type { Column } from '../data/stored/column.ts';

/** Rows as a client may write them. */
export interface WireForm {
  readonly way: string;
  readonly rows: readonly Row[];
}

/**
 * The same rows in the other forms in which clients write them: a number as a text and a text as a number, a list as JSON and as its
 * text. What a value is must not depend on it.
 *
 * @param rows as they were read
 * @param texts the same rows as the texts of their cells, where the source has such
 * @returns those that differ from what was given
 */
export function wireForms(rows: readonly Row[], texts: readonly Row[] | undefined, columns: readonly Column[]): WireForm[] {
  return [
    ...inForm('as the texts of their cells, numbers among them as numbers', texts ?? [], columns, asNumber),
    ...inForm('as texts alone', rows, columns, asText),
    ...inForm('as plain JSON: lists and objects as such, numbers of 32 bits with all their digits', rows, columns, asPlain),
  ];
}

type Change = (value: unknown, column: Column) => unknown;

function inForm(way: string, rows: readonly Row[], columns: readonly Column[], change: Change): WireForm[] {
  let changes = 0;
  const byName = new Map(columns.map((column) => [column.name, column]));
  const made = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => {
        const column = byName.get(name);
        if (column === undefined || value === null || value === undefined) return [name, value];
        const changed = change(value, column);
        if (changed !== value) changes += 1;
        return [name, changed];
      }),
    ),
  );
  return changes === 0 ? [] : [{ way, rows: made }];
}

function asNumber(value: unknown, { type, format }: Column): unknown {
  if (typeof value !== 'string' || type === 'image') return value;
  if (type === 'number' || type === 'integer') return finite(numberOfText(value, numberFormatOf(format)), value);
  if (type === 'timestamp') return timestampFormatOf(format)?.unit === undefined ? value : finite(numberOfText(value, undefined), value);
  if (value === 'true' || value === 'false') return value === 'true';
  // In a column of texts 007 and 1.0 are texts that no number gives.
  return String(Number(value)) === value ? finite(Number(value), value) : value;
}

const finite = (number: number, otherwise: unknown): unknown => (Number.isFinite(number) ? number : otherwise);

function asText(value: unknown, { type, format }: Column): unknown {
  // Digits alone are a point in time where a unit says which, and a text of another form is no number of a declared one.
  const stays = type === 'image' || type === 'timestamp' || numberFormatOf(format) !== undefined;
  return typeof value === 'string' || stays ? value : (textOfValue(value) ?? value);
}

function asPlain(value: unknown, { type, nested, float32 }: Column): unknown {
  if (nested === true && type === 'string' && typeof value === 'string') return parseJson(value);
  return float32 === true && typeof value === 'number' ? Math.fround(value) : value;
}
