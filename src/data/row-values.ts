import { distance } from 'fastest-levenshtein';
import { PerennialError } from '../core/errors.ts';
import type { Row } from '../core/tensor.ts';
import type { ColumnData, Pixels } from './column-data.ts';
import { decodeImage } from './images/images.ts';
import type { Column } from './types.ts';

function shown(value: unknown): string {
  const text = typeof value === 'object' ? (Array.isArray(value) ? 'a list' : 'an object') : `${typeof value} ${JSON.stringify(value) ?? String(value)}`;
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function wrong(row: number, column: string, expected: string, value: unknown): PerennialError {
  return new PerennialError('DATA_INVALID', `row ${row}, column "${column}": expected ${expected}, got ${shown(value)}.`, { hint: 'Send the column as it was in the source data; null or leaving it out means missing.' });
}

/** Milliseconds since 1970 UTC of an ISO 8601 text (a time without zone is UTC), a number of milliseconds, or a Date. */
function timestampOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (value instanceof Date) return value.getTime();
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}/.test(value)) return Number.NaN;
  const text = value.replace(' ', 'T');
  return Date.parse(/(Z|[+-]\d{2}:?\d{2})$/.test(text) || !text.includes('T') ? text : `${text}Z`);
}

/** A number of a row; missing is NaN. @throws DATA_INVALID */
function numberOf(value: unknown, type: Column['type'], row: number, name: string): number {
  if (value === null || value === undefined) return Number.NaN;
  if (type === 'boolean') {
    if (typeof value === 'boolean') return value ? 1 : 0;
    throw wrong(row, name, 'true or false', value);
  }
  if (type === 'timestamp') {
    const time = timestampOf(value);
    if (Number.isNaN(time)) throw wrong(row, name, 'an ISO 8601 timestamp, e.g. "2024-05-01T12:00:00Z"', value);
    return time;
  }
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'number') throw wrong(row, name, 'a number', value);
  return value;
}

async function imageOf(value: unknown, row: number, name: string): Promise<Pixels | null> {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return decodeImage(value, row, name);
  if (typeof value !== 'string') throw wrong(row, name, 'an encoded image as base64 text', value);
  const base64 = value.replace(/^data:image\/[a-z+.-]+;base64,/i, '');
  if (base64 === '' || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(base64)) throw wrong(row, name, 'an encoded image as base64 text', value);
  return decodeImage(Buffer.from(base64, 'base64'), row, name);
}

/**
 * One column of raw rows (JSON values, or bytes for images).
 *
 * @throws DATA_INVALID naming row and column.
 */
export async function columnOfRows(rows: readonly Row[], { name, type }: Column, firstRow = 0): Promise<ColumnData> {
  const values = rows.map((row) => (Object.hasOwn(row, name) ? row[name] : undefined));
  if (type === 'image') return { kind: 'image', channels: 3, size: null, values: await Promise.all(values.map((value, row) => imageOf(value, firstRow + row, name))) };
  if (type === 'string') {
    return {
      kind: 'text', values: values.map((value, row) => {
        if (value === null || value === undefined) return null;
        if (typeof value !== 'string') throw wrong(firstRow + row, name, 'text', value);
        return value;
      }),
    };
  }
  const numbers = Float64Array.from(values, (value, row) => numberOf(value, type, firstRow + row, name));
  return { kind: type === 'timestamp' ? 'timestamp' : 'number', values: numbers };
}

/** Refuses rows that lack a required column, or have a misspelt one in its place. @throws DATA_INVALID */
export function checkRowColumns(rows: readonly Row[], columns: readonly (Column & { required: boolean })[]): void {
  const known = new Set(columns.map((column) => column.name));
  rows.forEach((row, index) => {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) throw new PerennialError('DATA_INVALID', `row ${index}: expected an object of columns, got ${shown(row)}.`);
    for (const column of columns) {
      const has = Object.hasOwn(row, column.name);
      if (has && ((row[column.name] !== null && row[column.name] !== undefined) || !column.required)) continue;
      const near = has ? undefined : Object.keys(row).find((key) => !known.has(key) && distance(key.toLowerCase(), column.name.toLowerCase()) <= Math.min(2, Math.ceil(column.name.length / 4)));
      if (near !== undefined) throw new PerennialError('DATA_INVALID', `row ${index}, column "${column.name}": it is absent, and there is an unknown column "${near}".`, { hint: `Did you mean "${column.name}"?` });
      if (column.required) throw new PerennialError('DATA_INVALID', `row ${index}, column "${column.name}": it is ${has ? 'null' : 'absent'}, and the model cannot do without it.`, { hint: `The model takes: ${columns.map((item) => `${item.name} (${item.type}${item.required ? '' : ', may be missing'})`).join(', ')}.` });
    }
  });
}
