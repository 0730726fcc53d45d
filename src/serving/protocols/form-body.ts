import { RequestError } from '../request-error.ts';
import type { Servable } from '../servable.ts';
import { SERVING_LIMITS } from '../limits.ts';

/** A body of multipart/form-data: a column for every name, and a row for every time that a name occurs. Files are images. */
export class FormBody {
  readonly #columns: ReadonlyMap<string, readonly (string | Uint8Array)[]>;

  private constructor(columns: ReadonlyMap<string, readonly (string | Uint8Array)[]>) {
    this.#columns = columns;
  }

  /** @param type the header `content-type`, with its boundary @throws RequestError 400, 413 */
  static async read(bytes: Buffer, type: string): Promise<FormBody> {
    const boundary = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
    const marker = Buffer.from(`--${boundary?.[1] ?? boundary?.[2] ?? ''}`);
    if (boundary === null) throw new RequestError(400, 'The header Content-Type of the form names no "boundary".');
    // Counted before anything is made of them.
    let parts = -1;
    for (let at = bytes.indexOf(marker); at !== -1 && parts <= SERVING_LIMITS.formPartsMax; at = bytes.indexOf(marker, at + marker.length))
      parts += 1;
    if (parts > SERVING_LIMITS.formPartsMax)
      throw new RequestError(413, `The form has more than ${SERVING_LIMITS.formPartsMax} parts. Send several requests.`);
    let form: FormData;
    try {
      form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
    } catch {
      throw new RequestError(400, 'The body is no form of several parts as its header Content-Type says, or is cut off.');
    }
    const columns = new Map<string, (string | Uint8Array)[]>();
    for (const [name, value] of form) {
      const values = columns.get(name) ?? [];
      values.push(typeof value === 'string' ? value : new Uint8Array(await value.arrayBuffer()));
      columns.set(name, values);
    }
    return new FormBody(columns);
  }

  /** @throws RequestError 400 */
  rows({ preprocessor }: Servable): Record<string, string | Uint8Array>[] {
    const lengths = [...this.#columns].map(([name, { length }]) => ({ name, length }));
    const rows = Math.max(0, ...lengths.map(({ length }) => length));
    const short = lengths.find(({ length }) => length !== rows);
    if (short !== undefined)
      throw new RequestError(
        400,
        `The form has ${rows} parts of some names and ${short.length} of ${JSON.stringify(short.name.slice(0, 80))}: every row has one of each.`,
      );
    const images = new Set(preprocessor.columns.flatMap(({ name, type }) => (type === 'image' ? [name] : [])));
    const misplaced = [...this.#columns].find(([name, values]) => !images.has(name) && values.some((value) => typeof value !== 'string'));
    if (misplaced !== undefined)
      throw new RequestError(
        400,
        `${JSON.stringify(misplaced[0].slice(0, 80))} is a file, and ${images.size === 0 ? 'the model reads no images: send a table by itself, as text/csv' : `no column of images of the model: those are ${[...images].join(', ')}`}.`,
      );
    return Array.from({ length: rows }, (_, row) => Object.fromEntries([...this.#columns].map(([name, values]) => [name, values[row]!])));
  }
}
