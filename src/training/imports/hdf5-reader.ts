import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { Attribute, Dataset, Group } from 'h5wasm';

/** What the reader is asked for, and what it answers. It runs in a thread of its own: a damaged file may stop it, and nothing else. */
export interface Hdf5Request {
  readonly path: string;
  /** Of all values that are read. */
  readonly bytesMax: number;
  readonly objectsMax: number;
}

export interface Hdf5Contents {
  /** By "/"-separated path of their group ("" is the root) and name. */
  readonly attributes: ReadonlyMap<string, ReadonlyMap<string, string | readonly string[]>>;
  /** By path. */
  readonly datasets: ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>;
}

export type Hdf5Answer = { readonly contents: Hdf5Contents } | { readonly problem: string };

const DEPTH_MAX = 24;
const ATTRIBUTE_BYTES_MAX = 64 * 1024 * 1024;
/** Of the reference to one text of variable length. */
const VARIABLE_BYTES = 16;

/** What this reader does not take: any other error is the library's, whose words are of no use. */
class Refusal extends Error {}

type Library = typeof import('h5wasm');
type Module = Awaited<Library['ready']>;

class Reader {
  readonly #library: Library;
  readonly #module: Module;
  readonly #request: Hdf5Request;
  #bytes = 0;
  #objects = 0;
  readonly attributes = new Map<string, Map<string, string | string[]>>();
  readonly datasets = new Map<string, { shape: number[]; values: Float32Array }>();

  constructor(library: Library, module: Module, request: Hdf5Request) {
    this.#library = library;
    this.#module = module;
    this.#request = request;
  }

  group(group: Group, path: string, depth: number): void {
    if (depth > DEPTH_MAX) throw new Refusal(`groups lie within groups more than ${DEPTH_MAX} deep`);
    this.#readAttributes(group, path);
    for (const name of group.keys()) {
      if (++this.#objects > this.#request.objectsMax) throw new Refusal(`it holds more than ${this.#request.objectsMax} objects`);
      const inner = path === '' ? name : `${path}/${name}`;
      this.#refuseLink(group, inner);
      const entity = group.get(name);
      if (entity instanceof this.#library.Group) this.group(entity, inner, depth + 1);
      else if (entity instanceof this.#library.Dataset) this.#dataset(entity, inner);
    }
  }

  /** Links could lead out of the file, or in circles; Keras writes none. */
  #refuseLink({ file_id: file }: Group, path: string): void {
    const external = this.#module.get_external_link(file, path) as { filename?: string };
    if (external.filename !== undefined || this.#module.get_symbolic_link(file, path) !== null) throw new Refusal(`"${path}" is a link`);
  }

  #readAttributes(group: Group, path: string): void {
    const read = new Map<string, string | string[]>();
    for (const [name, attribute] of Object.entries(group.attrs)) {
      const value = textOf(attribute);
      if (value !== undefined) read.set(name, value);
    }
    this.attributes.set(path, read);
  }

  #dataset(dataset: Dataset, path: string): void {
    const { type, size, shape, virtual_sources: sources = [] } = dataset.metadata;
    if (sources.length > 0) throw new Refusal(`"${path}" is made of other files`);
    const dimensions = (shape ?? []).map(Number);
    const float = type === 1 && (size === 4 || size === 8 || size === 2);
    if (!float && !(type === 0 && size <= 8)) return;
    const values = dimensions.reduce((product, length) => product * length, 1);
    this.#bytes += values * Math.max(4, size);
    if (!Number.isSafeInteger(values) || this.#bytes > this.#request.bytesMax)
      throw new Refusal(
        `its values would take more than ${this.#request.bytesMax} bytes ("${path}" has the shape [${dimensions.join(', ')}])`,
      );
    if (size === 2 && float) throw new Refusal(`"${path}" holds 16-bit numbers; save the model in float32`);
    const raw = dataset.value as ArrayLike<number | bigint> | number | bigint | null;
    if (raw === null) throw new Refusal(`"${path}" cannot be read`);
    const list = typeof raw === 'number' || typeof raw === 'bigint' ? [raw] : raw;
    if (list.length !== values) throw new Refusal(`"${path}" holds ${list.length} values, its shape says ${values}`);
    this.datasets.set(path, { shape: dimensions, values: Float32Array.from(list as ArrayLike<number>, Number) });
  }
}

/** Text, or a list of it; other attributes are of no use here. */
function textOf(attribute: Attribute): string | string[] | undefined {
  const { type, size, shape, vlen } = attribute.metadata;
  const count = (shape ?? []).reduce((product, length) => product * Number(length), 1);
  if (type !== 3 && type !== 9) return undefined;
  if (count * (vlen ? VARIABLE_BYTES : size) > ATTRIBUTE_BYTES_MAX)
    throw new Refusal(`the attribute "${attribute.name}" is longer than ${ATTRIBUTE_BYTES_MAX} bytes`);
  const { value } = attribute;
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  return undefined;
}

async function read(request: Hdf5Request): Promise<Hdf5Contents> {
  const library = await import('h5wasm');
  const module = await library.ready;
  // The library gets a file system in memory: whatever the file says, nothing else can be read.
  const bytes = readFileSync(request.path);
  const length = lengthSaid(bytes);
  if (length !== undefined && length > bytes.length) throw new Refusal(`it is cut short: it has ${bytes.length} bytes of ${length}`);
  module.FS.writeFile('file.h5', bytes);
  const file = new library.File('file.h5', 'r');
  const reader = new Reader(library, module, request);
  reader.group(file, '', 0);
  return { attributes: reader.attributes, datasets: reader.datasets };
}

/** The length that an HDF5 file says it has, in the forms with addresses of 8 bytes. */
function lengthSaid(bytes: Buffer): number | undefined {
  const version = bytes[8];
  const at = version === 0 ? 40 : version === 2 || version === 3 ? 28 : undefined;
  if (at === undefined || bytes.length < at + 8 || bytes[version === 0 ? 13 : 9] !== 8) return undefined;
  return Number(bytes.readBigUInt64LE(at));
}

if (parentPort !== null) {
  const port = parentPort;
  read(workerData as Hdf5Request).then(
    (contents) =>
      port.postMessage({ contents } satisfies Hdf5Answer, [
        ...new Set([...contents.datasets.values()].map(({ values }) => values.buffer as ArrayBuffer)),
      ]),
    (error: unknown) =>
      port.postMessage({
        problem: error instanceof Refusal ? error.message : 'it is a damaged HDF5 file, or one that was cut short',
      } satisfies Hdf5Answer),
  );
}
