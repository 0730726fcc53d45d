import { readFile } from 'node:fs/promises';
import type { ObjectHead, ObjectStore, PutOptions } from '../core/ports.ts';
import { checkConditions, objectNotFound, preconditionFailed } from './conditions.ts';
import { checkKey, checkPrefix, compareKeys } from './keys.ts';

interface Entry {
  readonly body: Uint8Array;
  readonly etag: string;
  readonly modifiedAt: number;
}

/** A store in memory, for tests and for trying things out. Bytes are copied in and out. */
export class MemoryStore implements ObjectStore {
  readonly location = 'memory:';
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;
  #writes = 0;

  constructor(options: { readonly now?: () => number } = {}) {
    this.#now = options.now ?? Date.now;
  }

  async get(key: string): Promise<{ body: Uint8Array; etag: string }> {
    checkKey(key);
    const entry = this.#entries.get(key);
    if (entry === undefined) throw objectNotFound(this.location, key);
    return { body: entry.body.slice(), etag: entry.etag };
  }

  async getStream(key: string): Promise<AsyncIterable<Uint8Array>> {
    const { body } = await this.get(key);
    return (async function* () {
      yield body;
    })();
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    checkKey(key);
    const entry = this.#entries.get(key);
    return entry === undefined ? undefined : headOf(key, entry);
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    checkKey(key);
    checkConditions(options);
    const current = this.#entries.get(key);
    if (options.ifNoneMatch !== undefined && current !== undefined) throw preconditionFailed(this.location, key, options);
    if (options.ifMatch !== undefined && current?.etag !== options.ifMatch) throw preconditionFailed(this.location, key, options);
    const etag = `w${(this.#writes += 1)}`;
    this.#entries.set(key, { body: Uint8Array.from(body), etag, modifiedAt: this.#now() });
    return { etag };
  }

  async putFile(key: string, path: string, options: PutOptions = {}): Promise<{ etag: string }> {
    return this.put(key, await readFile(path), options);
  }

  async *list(prefix: string): AsyncIterable<ObjectHead> {
    checkPrefix(prefix);
    const keys = [...this.#entries.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys);
    for (const key of keys) {
      const entry = this.#entries.get(key);
      if (entry !== undefined) yield headOf(key, entry);
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    this.#entries.delete(key);
  }
}

function headOf(key: string, entry: Entry): ObjectHead {
  return { key, size: entry.body.length, etag: entry.etag, modifiedAt: entry.modifiedAt };
}
