import type { Group } from 'h5wasm';
import type { Shape } from '../layers/shapes.ts';

/** A group of an HDF5 file. */
export interface Hdf5Group {
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>;
  readonly groups?: Readonly<Record<string, Hdf5Group>>;
  readonly datasets?: Readonly<Record<string, { readonly shape: Shape; readonly values: Float32Array }>>;
}

/** Attributes lie in the header of their object, which holds 64 KiB: Keras splits longer ones. */
const ATTRIBUTE_BYTES_MAX = 64_512;

let files = 0;

/** The bytes of an HDF5 file; equal contents give equal bytes. */
export async function encodeHdf5(root: Hdf5Group): Promise<Uint8Array> {
  const { File, ready } = await import('h5wasm');
  // Of the library's own file system, in memory.
  const { FS } = await ready;
  const path = `file-${files++}.h5`;
  // The library writes the time into every object: a file that is the same has the same digest only where time stands still.
  const { now } = Date;
  Date.now = () => 0;
  try {
    const file = new File(path, 'w');
    try {
      writeGroup(file, root);
      file.flush();
    } finally {
      file.close();
    }
    return Uint8Array.from(FS.readFile(path));
  } finally {
    Date.now = now;
    if (FS.analyzePath(path, false).exists) FS.unlink(path);
  }
}

function writeGroup(target: Group, { attributes = {}, groups = {}, datasets = {} }: Hdf5Group): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'string') target.create_attribute(name, value, null, 'S');
    else writeNames(target, name, value);
  }
  for (const [name, group] of Object.entries(groups)) writeGroup(target.create_group(name), group);
  for (const [name, { shape, values }] of Object.entries(datasets))
    target.create_dataset({ name, data: values, shape: [...shape], dtype: '<f4' });
}

/** An array of byte strings of one length, in as many parts as it needs. */
function writeNames(target: Group, name: string, values: readonly string[]): void {
  const width = Math.max(1, ...values.map((value) => Buffer.byteLength(value)));
  const parts = splitEvenly(values, Math.max(1, Math.floor(ATTRIBUTE_BYTES_MAX / width)));
  parts.forEach((part, index) =>
    target.create_attribute(parts.length === 1 ? name : `${name}${index}`, [...part], [part.length], `S${width}`),
  );
}

/** Into the fewest parts of at most `most`, as numpy's array_split does. */
export function splitEvenly<T>(values: readonly T[], most: number): T[][] {
  const count = Math.max(1, Math.ceil(values.length / most));
  const [each, longer] = [Math.floor(values.length / count), values.length % count];
  const parts: T[][] = [];
  for (let index = 0, start = 0; index < count; index++) {
    const length = each + (index < longer ? 1 : 0);
    parts.push(values.slice(start, start + length));
    start += length;
  }
  return parts;
}

/** Groups along the parts of a path, the values at its end. */
export function nest(
  entries: readonly { readonly path: string; readonly shape: Shape; readonly values: Float32Array }[],
): Pick<Hdf5Group, 'groups' | 'datasets'> {
  const datasets: Record<string, { shape: Shape; values: Float32Array }> = {};
  const inner = new Map<string, { path: string; shape: Shape; values: Float32Array }[]>();
  for (const { path, shape, values } of entries) {
    const slash = path.indexOf('/');
    if (slash < 0) datasets[path] = { shape, values };
    else {
      const head = path.slice(0, slash);
      inner.set(head, [...(inner.get(head) ?? []), { path: path.slice(slash + 1), shape, values }]);
    }
  }
  return { datasets, groups: Object.fromEntries([...inner].map(([name, list]) => [name, nest(list)])) };
}
