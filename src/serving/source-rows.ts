import { distance } from 'fastest-levenshtein';
import { looksOf, quoted } from '../core/spelling.ts';
import type { Row } from '../core/tensor.ts';
import { decodeImage, pixelsOf } from '../data/images/images.ts';
import { DecodedImage } from '../data/table/row-values.ts';
import { bytesOfBase64 } from '../data/reading/base64.ts';
import { SERVING_LIMITS } from './limits.ts';
import { RequestError, badRow } from './request-error.ts';
import type { Servable } from './servable.ts';

/**
 * Rows of a request, checked: objects, not too many, enough for a window, and no column misspelt. A column that the model does not
 * read is fine (a row can be sent as it is in the source), one that looks like a misspelt column of the model is not: it would be
 * imputed in silence.
 *
 * @throws RequestError 400, 413
 */
export function checkRows(servable: Servable, given: readonly unknown[]): Row[] {
  const { preprocessor } = servable;
  requireCount(given.length);
  if (given.length < preprocessor.windowSize) {
    throw new RequestError(
      400,
      `This model predicts from ${preprocessor.windowSize} consecutive rows in time order; ${given.length} given.`,
    );
  }
  const images = imageColumns(servable);
  return given.map((row, index) => {
    if (row instanceof UnreadableRow) throw badRow(index, `: ${row.reason}`);
    if (typeof row !== 'object' || row === null || Array.isArray(row))
      throw badRow(index, ` is ${nameOf(row)}; expected an object of column names and values.`);
    checkColumns(servable, row as Row, index);
    return images.length > 0 ? withImages(row as Row, images, index) : (row as Row);
  });
}

const imagesOf = new WeakMap<Servable['preprocessor'], readonly string[]>();

/** Columns that hold images, by the preprocessing of a version. */
export function imageColumns({ preprocessor }: Pick<Servable, 'preprocessor'>): readonly string[] {
  let images = imagesOf.get(preprocessor);
  if (images === undefined) {
    images = preprocessor.columns.filter((column) => column.type === 'image').map((column) => column.name);
    imagesOf.set(preprocessor, images);
  }
  return images;
}

/**
 * Before anything of them is decoded, by what their headers say.
 *
 * @param rows that were checked @throws RequestError 413; DATA_INVALID for what is no image
 */
export async function requireFewPixels({ preprocessor }: Servable, rows: readonly Row[]): Promise<void> {
  const images = preprocessor.columns.flatMap(({ name, type }) => (type === 'image' ? [name] : []));
  if (images.length === 0) return;
  let pixels = 0;
  for (const [index, row] of rows.entries())
    for (const name of images) {
      const value = Object.hasOwn(row, name) ? row[name] : undefined;
      if (!(value instanceof Uint8Array)) continue;
      pixels += await pixelsOf(value, index, name);
      if (pixels > SERVING_LIMITS.imagePixelsMax)
        throw new RequestError(
          413,
          `The images of the request have more than ${SERVING_LIMITS.imagePixelsMax / 2 ** 20} million pixels together, at row ${index}. Send several requests, or smaller images.`,
        );
    }
}

/**
 * The rows with their images decoded, once for all who look at them.
 *
 * @param rows that were checked @throws DATA_INVALID for what is no image
 */
export async function decodedRows({ preprocessor }: Servable, rows: readonly Row[]): Promise<Row[]> {
  const images = preprocessor.columns.flatMap(({ name, type }) => (type === 'image' ? [name] : []));
  return Promise.all(
    rows.map(async (row, index) => {
      const decoded = images.map(async (name) => {
        const value = Object.hasOwn(row, name) ? row[name] : undefined;
        return value instanceof Uint8Array ? [[name, new DecodedImage(await decodeImage(value, index, name))] as const] : [];
      });
      return { ...row, ...Object.fromEntries((await Promise.all(decoded)).flat()) };
    }),
  );
}

/** In the place of a row that could not be read where it came from. */
export class UnreadableRow {
  readonly reason: string;

  /** @param reason as a sentence, behind the number of the row */
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** @throws RequestError 400, 413 */
export function requireCount(rows: number): void {
  if (rows === 0) throw new RequestError(400, 'There are no rows: give at least one.');
  if (rows > SERVING_LIMITS.rowsMax)
    throw new RequestError(413, `${rows} rows in one request; at most ${SERVING_LIMITS.rowsMax} are allowed. Send several requests.`);
}

function checkColumns({ preprocessor, sourceColumns }: Servable, row: Row, index: number): void {
  const { columns } = preprocessor;
  let at = 0;
  while (at < columns.length && Object.hasOwn(row, columns[at]!.name)) at += 1;
  if (at === columns.length) return;
  const absent = preprocessor.columns.filter((column) => !Object.hasOwn(row, column.name));
  const names = preprocessor.columns.map((column) => column.name);
  if (absent.length === names.length) {
    throw badRow(index, ` has none of the columns that the model reads: ${names.join(', ')}.`);
  }
  const known = new Set([...names, ...sourceColumns]);
  const strangers = Object.keys(row).filter((key) => !known.has(key));
  for (const key of strangers.slice(0, STRANGERS_MAX)) {
    const meant = absent.find((column) => isMisspelling(key, column.name));
    if (meant !== undefined)
      throw badRow(index, ` has no column ${quoted(meant.name)}, but ${quoted(key)}: did you mean ${quoted(meant.name)}?`);
  }
  const required = absent.filter((column) => column.required).map((column) => column.name);
  if (required.length > 0)
    throw badRow(
      index,
      ` lacks ${required.length === 1 ? 'the column' : 'the columns'} ${required.map((name) => JSON.stringify(name)).join(', ')}, which the model needs.`,
    );
}

/** Among more columns that a model does not know, none is taken for a misspelt one: whoever sends so many does not spell them. */
const STRANGERS_MAX = 200;

function isMisspelling(given: string, name: string): boolean {
  const plain = (text: string): string =>
    looksOf(text)
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}]/gu, '');
  if (given.length > 200) return false;
  return plain(given) === plain(name) || (name.length > 3 && distance(given, name) <= Math.max(1, Math.floor(name.length / 5)));
}

/** Images come as base64, bare or as `{ "b64": "…" }`, never as a path: a client has no business with files of the server. */
function withImages(row: Row, columns: readonly string[], index: number): Row {
  const images = columns
    .filter((name) => Object.hasOwn(row, name))
    .map((name) => {
      const value = row[name];
      if (value === null || value instanceof Uint8Array) return [name, value] as const;
      const text = isBase64Object(value)
        ? value.b64
        : typeof value === 'string'
          ? value.replace(/^data:image\/[a-z+.-]+;base64,/i, '')
          : '';
      const bytes = text === '' ? undefined : bytesOfBase64(text);
      if (bytes === undefined) {
        throw badRow(index, `, column ${JSON.stringify(name)}: expected the image file as base64 (a string, or {"b64": "…"}).`);
      }
      return [name, bytes] as const;
    });
  return Object.fromEntries([...Object.entries(row), ...images]);
}

export function isBase64Object(value: unknown): value is { readonly b64: string } {
  return (
    typeof value === 'object' && value !== null && typeof (value as { b64?: unknown }).b64 === 'string' && Object.keys(value).length === 1
  );
}

/** "null", "an array", "an empty array", "a string", … for messages. */
export function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
