import { PerennialError, isPerennialError } from '../../core/errors.ts';
import type { ObjectStore, OpenArtifact } from '../../core/ports.ts';
import type { Place } from './place.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  json: 'application/json',
  txt: 'text/plain; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
  config: 'text/plain; charset=utf-8',
};

/**
 * A prefix of a bucket. Objects are whole one by one and there is no rename: a folder is seen as soon as one object of it is. So the
 * object that makes it a version comes first and goes last.
 */
export class BucketPlace implements Place {
  readonly location: string;
  readonly #store: ObjectStore;

  /** @param store over the bucket with its prefix */
  constructor(store: ObjectStore) {
    this.location = store.location;
    this.#store = store;
  }

  /** A bucket has no size; the quota of one is told by the first object that is too much. */
  async check(): Promise<void> {
    const key = '.perennial-probe';
    await this.#store.put(key, Buffer.from('Perennial looks whether it can write here.\n'));
    await this.#store.delete(key);
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      return (await this.#store.get(path)).body;
    } catch (error) {
      if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    await this.#store.put(path, bytes, typeOf(path));
  }

  async folders(path: string): Promise<string[]> {
    const prefix = path === '' ? '' : `${path}/`;
    const names = new Set<string>();
    for await (const { key } of this.#store.list(prefix)) {
      const rest = key.slice(prefix.length);
      if (rest.includes('/')) names.add(rest.slice(0, rest.indexOf('/')));
    }
    return [...names];
  }

  async holds(path: string, { manifest }: OpenArtifact): Promise<boolean> {
    const sizes = await this.#sizes(path);
    return Object.entries(manifest.files).every(([name, { size }]) => sizes.get(name) === size);
  }

  async writeFolder(path: string, artifact: OpenArtifact, first: string): Promise<void> {
    const names = Object.keys(artifact.manifest.files);
    if (!names.includes(first)) throw new PerennialError('INTERNAL', `"${first}" is none of the files ${names.join(', ')}.`);
    const there = await this.#sizes(path);
    for (const name of [first, ...names.filter((one) => one !== first).sort()]) {
      // A writer that was killed left these whole.
      if (there.get(name) === artifact.manifest.files[name]!.size) continue;
      await this.#store.putFile(`${path}/${name}`, await artifact.path(name), typeOf(name));
    }
  }

  async removeFolder(path: string, last: string): Promise<void> {
    const names = [...(await this.#sizes(path)).keys()];
    for (const name of names.filter((one) => one !== last)) await this.#store.delete(`${path}/${name}`);
    if (names.includes(last)) await this.#store.delete(`${path}/${last}`);
  }

  async removeFile(path: string): Promise<void> {
    await this.#store.delete(path);
  }

  async #sizes(path: string): Promise<Map<string, number>> {
    const sizes = new Map<string, number>();
    for await (const { key, size } of this.#store.list(`${path}/`)) sizes.set(key.slice(path.length + 1), size);
    return sizes;
  }
}

/** Browsers and people open these as they are. */
function typeOf(path: string): { readonly contentType?: string } {
  const contentType = CONTENT_TYPES[path.slice(path.lastIndexOf('.') + 1)];
  return contentType === undefined ? {} : { contentType };
}
