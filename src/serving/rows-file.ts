import { readFile } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { PerennialError, messageOf } from '../core/errors.ts';
import type { Row } from '../core/tensor.ts';
import { isEncodedImage } from '../data/images/encoded-image.ts';
import type { ColumnType } from '../data/types.ts';

/**
 * Rows of a JSON file (an array, `{ "rows": […] }`, or one row), an NDJSON file, or a CSV file with a head line. CSV holds only
 * texts: they become what `types` says of their column, an empty field becomes null. A path in a column of images (from the folder
 * of the file) becomes the bytes of the file as base64.
 *
 * @throws SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_INVALID
 */
export async function readRowsFile(path: string, types: Readonly<Record<string, ColumnType>>): Promise<Row[]> {
  const text = await readText(path);
  const format = extname(path).toLowerCase();
  const rows = format === '.csv' ? csvRows(text, path, types) : format === '.ndjson' || format === '.jsonl' ? ndjsonRows(text, path) : format === '.json' ? jsonRows(text, path) : undefined;
  if (rows === undefined) throw new PerennialError('SOURCE_INVALID', `${path}: rows are read from .json, .ndjson, .jsonl and .csv files.`, { hint: 'Convert the file, or rename it to the ending of its format.' });
  if (rows.length === 0) throw new PerennialError('SOURCE_EMPTY', `${path} holds no rows.`);
  const images = Object.keys(types).filter((name) => types[name] === 'image');
  return images.length === 0 ? rows : Promise.all(rows.map((row, index) => withImages(row, images, path, index)));
}

async function withImages(row: Row, images: readonly string[], path: string, index: number): Promise<Row> {
  const read: Record<string, unknown> = {};
  for (const name of images) {
    const value = Object.hasOwn(row, name) ? row[name] : undefined;
    if (typeof value !== 'string' || value === '' || isEncodedImage(value)) continue;
    try {
      read[name] = (await readFile(resolve(dirname(path), value))).toString('base64');
    } catch (error) {
      throw new PerennialError('SOURCE_NOT_FOUND', `${path}: row ${index}, column "${name}": the image "${value.slice(0, 200)}" cannot be read: ${messageOf(error)}.`, { hint: 'Give the path of a file, relative to the folder of the rows, or the image as base64.', cause: error });
    }
  }
  return { ...row, ...read };
}

async function readText(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new PerennialError('SOURCE_NOT_FOUND', `${path} cannot be read: ${messageOf(error)}.`, { hint: 'Check the path.', cause: error });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new PerennialError('SOURCE_INVALID', `${path} is not UTF-8.`, { hint: 'Save it as UTF-8.', cause: error });
  }
}

function jsonRows(text: string, path: string): Row[] {
  const value = parse(text, path);
  const list = Array.isArray(value) ? value : isObject(value) && Array.isArray(value.rows) ? value.rows : [value];
  return list.map((row, index) => rowOf(row, `${path}: row ${index}`));
}

function ndjsonRows(text: string, path: string): Row[] {
  return text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [rowOf(parse(line, `${path}:${index + 1}`), `${path}:${index + 1}`)]));
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new PerennialError('SOURCE_INVALID', `${where} is not JSON: ${messageOf(error)}.`, { hint: 'Correct the file.', cause: error });
  }
}

function rowOf(value: unknown, where: string): Row {
  if (!isObject(value)) throw new PerennialError('SOURCE_INVALID', `${where} is not an object of column names and values.`, { hint: 'Write rows as {"column": value, …}.' });
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function csvRows(text: string, path: string, types: Readonly<Record<string, ColumnType>>): Row[] {
  const [head, ...records] = csvRecords(text, path);
  if (head === undefined) return [];
  return records.map((fields, index) => {
    if (fields.length !== head.length) throw new PerennialError('SOURCE_INVALID', `${path}: record ${index + 1} has ${fields.length} fields, the head line has ${head.length}.`, { hint: 'Correct the file.' });
    return Object.fromEntries(head.map((name, column) => [name, typed(fields[column]!, types[name])]));
  });
}

/** A text that does not fit its type stays as it is: the server's message names row and column. */
function typed(text: string, type: ColumnType | undefined): unknown {
  if (text === '') return null;
  if (type === 'number' || type === 'integer') return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
  if (type === 'boolean') return { true: true, false: false }[text.toLowerCase()] ?? text;
  return text;
}

/** @see RFC 4180 */
function csvRecords(text: string, path: string): string[][] {
  const records: string[][] = [];
  let fields: string[] = [];
  let position = text.startsWith('\uFEFF') ? 1 : 0;
  while (position < text.length) {
    const { field, end } = csvField(text, position, path);
    fields.push(field);
    position = end + 1;
    if (text[end] === ',' && position < text.length) continue;
    if (text[end] === ',') fields.push('');
    if (fields.length > 1 || fields[0] !== '') records.push(fields);
    fields = [];
  }
  return records;
}

/** @returns the field, and where its comma or line end stands. */
function csvField(text: string, start: number, path: string): { readonly field: string; readonly end: number } {
  if (text[start] === '"') {
    const close = closingQuote(text, start, path);
    const end = text[close + 1] === '\r' ? close + 2 : close + 1;
    if (end < text.length && text[end] !== ',' && text[end] !== '\n') throw new PerennialError('SOURCE_INVALID', `${path}: ${JSON.stringify(text.slice(start, end + 1))} has text after its closing quote.`, { hint: 'Double the quotes inside a quoted field.' });
    return { field: text.slice(start + 1, close).replaceAll('""', '"'), end };
  }
  let end = start;
  while (end < text.length && text[end] !== ',' && text[end] !== '\n') end += 1;
  return { field: text.slice(start, end).replace(/\r$/, ''), end };
}

function closingQuote(text: string, start: number, path: string): number {
  for (let position = start + 1; position < text.length; position += 1) {
    if (text[position] !== '"') continue;
    if (text[position + 1] !== '"') return position;
    position += 1;
  }
  throw new PerennialError('SOURCE_INVALID', `${path}: a quoted field is not closed.`, { hint: 'Close it with ".' });
}
