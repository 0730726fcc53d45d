import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, stat, unlink, utimes } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { BigIntStats, Dirent } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ObjectHead, ObjectStore, PutOptions } from '../core/ports.ts';
import { checkConditions, objectNotFound, preconditionFailed } from './conditions.ts';
import { withFileLock } from './file-lock.ts';
import { checkKey, checkPrefix, compareKeys } from './keys.ts';

/** Locks are shared by keys with the same first byte of their hash: few folders, little waiting. */
const LOCK_SLOTS_HEX = 2;
/** What can be made again is not worth a wait for the disk: after a power cut these keys may be gone, never torn in a running system. */
const REPRODUCIBLE = /^(cache|servers|probe)\//;

/**
 * Objects as files under `<folder>/objects`. Bytes are written aside, forced to the disk and then linked or renamed into place, so
 * readers never wait and never see half an object. Creating is link(2), which fails where the name exists; replacing and deleting
 * take a lock between processes (see {@link withFileLock}). For processes of one machine, or of one shared POSIX folder.
 */
export class FileStore implements ObjectStore {
  readonly location: string;
  readonly folder: string;
  readonly #sync: boolean;
  readonly #objects: string;
  readonly #aside: string;
  #identity: string | undefined;

  /** @param options.sync false: what was written survives the end of the process, but not of the machine. Default: true. */
  constructor(folder: string, options: { readonly sync?: boolean } = {}) {
    this.folder = resolve(folder);
    this.#sync = options.sync ?? true;
    this.location = `file:${this.folder}`;
    this.#objects = join(this.folder, 'objects');
    this.#aside = join(this.folder, 'tmp');
  }

  async get(key: string): Promise<{ body: Uint8Array; etag: string }> {
    return this.#mapped(key, async () => {
      const handle = await this.#openObject(key);
      try {
        const facts = await handle.stat({ bigint: true });
        return { body: await handle.readFile(), etag: etagOf(facts) };
      } finally {
        await handle.close();
      }
    });
  }

  async getStream(key: string): Promise<AsyncIterable<Uint8Array>> {
    const handle = await this.#mapped(key, () => this.#openObject(key));
    return createReadStream('', { fd: handle, highWaterMark: 1 << 20 });
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    return this.#mapped(key, async () => {
      const facts = await statOrUndefined(this.#pathOf(key));
      return facts === undefined || !facts.isFile() ? undefined : headOf(key, facts);
    });
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    return this.#place(key, options, (handle) => handle.writeFile(body));
  }

  async putFile(key: string, path: string, options: PutOptions = {}): Promise<{ etag: string }> {
    return this.#place(key, options, async (_handle, aside) => {
      try {
        await copyFile(path, aside, constants.COPYFILE_FICLONE);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        throw new PerennialError('SOURCE_NOT_FOUND', `The file ${path}, to be stored as "${key}", does not exist.`, { cause: error });
      }
    });
  }

  async *list(prefix: string): AsyncIterable<ObjectHead> {
    checkPrefix(prefix);
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    yield* this.#walk(folder, prefix);
  }

  async delete(key: string): Promise<void> {
    await this.#mapped(key, () =>
      this.#locked(key, async () => {
        await unlink(this.#pathOf(key)).catch(ignore('ENOENT', 'ENOTDIR', 'EISDIR', 'EPERM'));
      }),
    );
  }

  /** Removes what killed writers left aside. */
  async sweep(olderThanMs: number): Promise<void> {
    const names = await readdir(this.#aside).catch(() => []);
    for (const name of names) {
      const path = join(this.#aside, name);
      const facts = await statOrUndefined(path);
      if (facts !== undefined && Date.now() - Number(facts.mtimeMs) > olderThanMs) await unlink(path).catch(ignore('ENOENT'));
    }
  }

  async *#walk(folder: string, prefix: string): AsyncIterable<ObjectHead> {
    const entries = await this.#mapped(folder, () => readdir(join(this.#objects, folder), { withFileTypes: true }).catch(noEntries));
    // "a-b" sorts before "a/x": a folder counts with its slash.
    const sorted = entries.map((entry) => folder + entry.name + (entry.isDirectory() ? '/' : '')).sort(compareKeys);
    for (const name of sorted) {
      if (name.endsWith('/')) {
        if (name.startsWith(prefix) || prefix.startsWith(name)) yield* this.#walk(name, prefix);
      } else if (name.startsWith(prefix)) {
        const head = await this.head(name);
        if (head !== undefined) yield head;
      }
    }
  }

  async #place(key: string, options: PutOptions, fill: (handle: FileHandle, aside: string) => Promise<void>): Promise<{ etag: string }> {
    checkConditions(options);
    return this.#mapped(key, async () => {
      const path = this.#pathOf(key);
      // Whoever has lost already need not write and wait for the disk; who has not is checked again where it counts.
      if (options.ifNoneMatch !== undefined || options.ifMatch !== undefined) this.#checkCondition(key, await statOrUndefined(path), options);
      const durable = this.#sync && !REPRODUCIBLE.test(key);
      const aside = join(this.#aside, randomBytes(12).toString('hex'));
      try {
        const written = await this.#fillAside(aside, fill, durable);
        const etag = options.ifNoneMatch === undefined
          ? await this.#locked(key, () => this.#replace(key, written, aside, path, options))
          : await this.#create(key, written, aside, path, options);
        if (durable) await syncFolder(dirname(path));
        return { etag };
      } finally {
        await unlink(aside).catch(ignore('ENOENT'));
      }
    });
  }

  async #fillAside(aside: string, fill: (handle: FileHandle, aside: string) => Promise<void>, durable: boolean): Promise<BigIntStats> {
    const handle = await withFolder(this.#aside, () => open(aside, 'wx', 0o644));
    try {
      await fill(handle, aside);
      const now = (performance.timeOrigin + performance.now()) / 1000;
      await handle.utimes(now, now);
      if (durable) await handle.sync();
      return await handle.stat({ bigint: true });
    } finally {
      await handle.close();
    }
  }

  async #create(key: string, written: BigIntStats, aside: string, path: string, options: PutOptions): Promise<string> {
    await withFolder(dirname(path), () => link(aside, path)).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST' ? preconditionFailed(this.location, key, options, error) : error;
    });
    return etagOf(written);
  }

  async #replace(key: string, written: BigIntStats, aside: string, path: string, options: PutOptions): Promise<string> {
    const current = await statOrUndefined(path);
    this.#checkCondition(key, current, options);
    // Times only ever rise for a key, also when the clock is set back: an etag cannot come again.
    const final = current !== undefined && written.mtimeNs <= current.mtimeNs ? await postdate(aside, current) : written;
    await withFolder(dirname(path), () => rename(aside, path));
    return etagOf(final);
  }

  #checkCondition(key: string, current: BigIntStats | undefined, { ifNoneMatch, ifMatch }: PutOptions): void {
    const isLost = (ifNoneMatch !== undefined && current?.isFile() === true) || (ifMatch !== undefined && (current === undefined || etagOf(current) !== ifMatch));
    if (isLost) throw preconditionFailed(this.location, key, { ifNoneMatch, ifMatch });
  }

  #locked<T>(key: string, work: () => Promise<T>): Promise<T> {
    const slot = createHash('sha256').update(key).digest('hex').slice(0, LOCK_SLOTS_HEX);
    return withFileLock(join(this.folder, 'locks', slot), work);
  }

  #pathOf(key: string): string {
    checkKey(key);
    return join(this.#objects, key);
  }

  async #openObject(key: string): Promise<FileHandle> {
    const handle = await open(this.#pathOf(key), 'r');
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    throw objectNotFound(this.location, key);
  }

  /**
   * A folder that goes away (a disk unmounted, a folder moved) is an outage, not an empty store: nothing may be found missing in it,
   * and least of all may a second store be begun in its place.
   */
  async #checkFolder(): Promise<void> {
    const facts = await statOrUndefined(this.folder);
    const identity = facts === undefined ? undefined : `${facts.dev}:${facts.ino}`;
    if (this.#identity === undefined) this.#identity = identity;
    if (identity !== this.#identity) throw folderGone(this.folder, identity === undefined ? 'is not there any more' : 'is another folder than when the store was opened');
  }

  async #mapped<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      await this.#checkFolder();
      return await work();
    } catch (error) {
      throw isPerennialError(error) ? error : this.#translate(error as NodeJS.ErrnoException, key);
    }
  }

  #translate(error: NodeJS.ErrnoException, key: string): Error {
    const told = `${this.location}, object "${key}": ${error.message}`;
    switch (error.code) {
      case 'ENOENT':
        return objectNotFound(this.location, key, error);
      case 'ENOTDIR':
      case 'EISDIR':
      case 'EEXIST':
        return error.syscall === 'open' && error.code === 'ENOTDIR'
          ? objectNotFound(this.location, key, error)
          : new PerennialError('NAME_INVALID', `${told}. A key cannot be an object and the folder of other objects at once.`, { cause: error });
      case 'ENOSPC':
      case 'EDQUOT':
        return new PerennialError('STORE_FULL', told, { cause: error });
      case undefined:
        return error;
      default:
        return new PerennialError('STORE_UNAVAILABLE', told, { cause: error });
    }
  }
}

/** The error for a store whose folder was there before. */
export function folderGone(folder: string, what: string): PerennialError {
  return new PerennialError('STORE_UNAVAILABLE', `The folder of the store, ${folder}, ${what}.`, {
    hint: 'Mount the disk or move the folder back. If it was removed on purpose: `perennial down`, make an empty folder there, `perennial up`.',
  });
}

function headOf(key: string, facts: BigIntStats): ObjectHead {
  return { key, size: Number(facts.size), etag: etagOf(facts), modifiedAt: Number(facts.mtimeMs) };
}

/** Every write makes a new inode with a new time in microseconds: the three together name the write. */
function etagOf(facts: BigIntStats): string {
  return `${facts.ino.toString(36)}-${facts.mtimeNs.toString(36)}-${facts.size.toString(36)}`;
}

async function postdate(path: string, current: BigIntStats): Promise<BigIntStats> {
  const seconds = Number(current.mtimeNs / 1000n + 2n) / 1e6;
  await utimes(path, seconds, seconds);
  return stat(path, { bigint: true });
}

async function statOrUndefined(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}

/** Tries first and makes the folder only when it is missing: the usual case costs nothing. */
async function withFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(folder, { recursive: true });
    return work();
  }
}

/** A new name survives a power cut once its folder is on the disk. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignore(...codes: string[]): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error;
  };
}

function noEntries(error: NodeJS.ErrnoException): Dirent[] {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
  throw error;
}
