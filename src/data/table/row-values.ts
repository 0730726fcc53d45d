import { distance } from 'fastest-levenshtein';
import { looksOf, quoted } from '../../core/spelling.ts';
import { PerennialError } from '../../core/errors.ts';
import type { Row } from '../../core/tensor.ts';
import type { ColumnData, Pixels } from '../transforms/column-data.ts';
import { decodeImage } from '../images/images.ts';
import { bytesOfBase64 } from '../reading/base64.ts';
import { UNREADABLE, cellReader } from '../reading/cells.ts';
import { numberFormatOf, timestampFormatOf } from '../reading/value-format.ts';
import type { Column } from '../stored/column.ts';

function shown(value: unknown): string {
  const text =
    typeof value === 'object'
      ? Array.isArray(value)
        ? 'a list'
        : 'an object'
      : `${typeof value} ${typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? String(value))}`;
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function wrong(row: number, column: string, expected: string, value: unknown): PerennialError {
  return new PerennialError('DATA_INVALID', `row ${row}, column "${column}": expected ${expected}, got ${shown(value)}.`, {
    hint: 'Send the column as it was in the source data; null or leaving it out means missing.',
  });
}

function expected({ type, format }: Column): string {
  switch (type) {
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'text';
    case 'timestamp': {
      const own = timestampFormatOf(format);
      if (own?.unit !== undefined) return `a number of ${own.unit} since 1970`;
      return own?.format === undefined ? 'an ISO 8601 timestamp, e.g. "2024-05-01T12:00:00Z"' : `a timestamp of the form ${own.format}`;
    }
    default: {
      const own = numberFormatOf(format);
      return own === undefined ? 'a number' : `a number (${JSON.stringify(own)})`;
    }
  }
}

/** In a row: an image that somebody else needs the pixels of as well. */
export class DecodedImage {
  readonly pixels: Pixels;

  constructor(pixels: Pixels) {
    this.pixels = pixels;
  }
}

async function imageOf(value: unknown, row: number, name: string): Promise<Pixels | null> {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return decodeImage(value, row, name);
  if (value instanceof DecodedImage) return value.pixels;
  if (typeof value !== 'string') throw wrong(row, name, 'an encoded image as base64 text', value);
  const base64 = value.replace(/^data:image\/[a-z+.-]+;base64,/i, '');
  const bytes = base64 === '' ? undefined : bytesOfBase64(base64);
  if (bytes === undefined) throw wrong(row, name, 'an encoded image as base64 text', value);
  return decodeImage(bytes, row, name);
}

/** Reads a column of raw rows, those from `firstRow` on. Images alone take their time. */
export type ColumnReader = (rows: readonly Row[], firstRow?: number) => ColumnData | Promise<ColumnData>;

/**
 * Reads one column of raw rows (JSON values; for images bytes, or pixels) as the source was read that the model learnt from.
 *
 * @returns throws DATA_INVALID naming row and column.
 */
export function columnReader(column: Column): ColumnReader {
  const { name, type } = column;
  const valueOf = (row: Row): unknown => (Object.hasOwn(row, name) ? row[name] : undefined);
  if (type === 'image') return (rows, firstRow = 0) => imagesOf(rows.map(valueOf), name, firstRow);
  const readCell = cellReader({ ...column, type });
  const cell = (row: Row, at: number): number | string | null => {
    const value = valueOf(row);
    const read = readCell(value);
    if (read === UNREADABLE) throw wrong(at, name, expected(column), value);
    return read;
  };
  if (type === 'string')
    return (rows, firstRow = 0) => ({ kind: 'text', values: rows.map((row, at) => cell(row, firstRow + at) as string | null) });
  const kind = type === 'timestamp' ? 'timestamp' : 'number';
  return (rows, firstRow = 0) => {
    const values = new Float64Array(rows.length);
    for (let at = 0; at < rows.length; at += 1) values[at] = (cell(rows[at]!, firstRow + at) ?? Number.NaN) as number;
    return { kind, values };
  };
}

async function imagesOf(values: readonly unknown[], name: string, firstRow: number): Promise<ColumnData> {
  return {
    kind: 'image',
    channels: 3,
    size: null,
    values: await Promise.all(values.map((value, row) => imageOf(value, firstRow + row, name))),
  };
}

/** One column of raw rows. @throws as {@link columnReader} */
export async function columnOfRows(rows: readonly Row[], column: Column, firstRow = 0): Promise<ColumnData> {
  return columnReader(column)(rows, firstRow);
}

/** Refuses rows that lack a required column, or have a misspelt one in its place. @throws DATA_INVALID */
export function checkRowColumns(rows: readonly Row[], columns: readonly (Column & { required: boolean })[]): void {
  rows.forEach((row, index) => {
    if (typeof row !== 'object' || row === null || Array.isArray(row))
      throw new PerennialError('DATA_INVALID', `row ${index}: expected an object of columns, got ${shown(row)}.`);
    for (const column of columns) {
      const has = Object.hasOwn(row, column.name);
      if (has && ((row[column.name] !== null && row[column.name] !== undefined) || !column.required)) continue;
      const near = has ? undefined : misspelt(row, column.name, columns);
      if (near !== undefined)
        throw new PerennialError(
          'DATA_INVALID',
          `row ${index}, column ${quoted(column.name)}: it is absent, and there is an unknown column ${quoted(near)}.`,
          { hint: `Did you mean ${quoted(column.name)}?` },
        );
      if (column.required)
        throw new PerennialError(
          'DATA_INVALID',
          `row ${index}, column "${column.name}": it is ${has ? 'null' : 'absent'}, and the model cannot do without it.`,
          {
            hint: `The model takes: ${columns.map((item) => `${item.name} (${item.type}${item.required ? '' : ', may be missing'})`).join(', ')}.`,
          },
        );
    }
  });
}

/** A key of the row that no column has, and that is nearly the name of this one. */
function misspelt(row: Row, name: string, columns: readonly Column[]): string | undefined {
  const known = new Set(columns.map((column) => column.name));
  const far = Math.min(2, Math.ceil(name.length / 4));
  const looks = looksOf(name).toLowerCase();
  return Object.keys(row).find((key) => !known.has(key) && distance(looksOf(key).toLowerCase(), looks) <= far);
}
