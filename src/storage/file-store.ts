import { constants, createReadStream } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ObjectHead, ObjectStore, PutOptions } from '../core/ports.ts';
import { mapLimited } from './concurrency.ts';
import { checkConditions, objectNotFound, preconditionFailed } from './conditions.ts';
import { checkKey, checkPrefix, compareKeys } from './keys.ts';
import {
  REVISIONS_SUFFIX,
  advance,
  asideName,
  beginRevisions,
  bytesOf,
  etagOf,
  ignore,
  makeFolder,
  readImported,
  readRevisions,
  removePlain,
  retire,
} from './revisions.ts';

/** What can be made again is not worth a wait for the disk: after a power cut these keys may be gone, never torn in a running system. */
const REPRODUCIBLE = /^(cache|servers|probe)\//;
/** Files of one folder that are looked at together. */
const CONCURRENT_STATS = 32;
/** A clock that differs more from that of the file system is not believed. */
const CLOCK_MS_MAX = 1_000;

/**
 * Objects as files under `<folder>/objects`. Bytes are written aside, forced to the disk and then linked or renamed into place, so
 * readers never wait and never see half an object. Creating is link(2), which fails where the name exists. A key that was replaced
 * under a condition has a folder of revisions beside its name (see `revisions.ts`), which holds from then on. There is no lock: no
 * process waits for another one, wherever that runs and however it ended.
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

  /** Holds on to the folder that is there now: should it go away before the first call, no other one is begun in its place. */
  async attach(): Promise<void> {
    await this.#checkFolder();
  }

  async get(key: string): Promise<{ body: Uint8Array; etag: string }> {
    return this.#mapped(key, async () => {
      const { handle, etag } = await this.#openCurrent(key);
      try {
        return { body: await handle.readFile(), etag };
      } finally {
        await handle.close();
      }
    });
  }

  async getStream(key: string): Promise<AsyncIterable<Uint8Array>> {
    const { handle } = await this.#mapped(key, () => this.#openCurrent(key));
    return createReadStream('', { fd: handle, highWaterMark: 1 << 20 });
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    return this.#mapped(key, () => this.#head(key));
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    return this.#place(key, options, (handle) => handle.writeFile(body));
  }

  async putFile(key: string, path: string, options: PutOptions = {}): Promise<{ etag: string }> {
    const stored = await this.#place(
      key,
      options,
      async (_handle, aside) => {
        try {
          await copyFile(path, aside, constants.COPYFILE_FICLONE);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
          throw new PerennialError('SOURCE_NOT_FOUND', `The file ${path}, to be stored as "${key}", does not exist.`, { cause: error });
        }
      },
      options.given === true ? path : undefined,
    );
    // Under its old name nobody may come to write into what is stored now.
    if (options.given === true) await unlink(path).catch(ignore('ENOENT'));
    return stored;
  }

  async *list(prefix: string): AsyncIterable<ObjectHead> {
    checkPrefix(prefix);
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    yield* this.#walk(folder, prefix);
  }

  async delete(key: string): Promise<void> {
    await this.#mapped(key, async () => {
      const plain = this.#pathOf(key);
      // Without a condition: a plain file that comes meanwhile is one more that this call deletes.
      if ((await readRevisions(plain + REVISIONS_SUFFIX)) === undefined) await removePlain(plain);
      for (;;) {
        const state = await this.#revisions(plain);
        if (state === undefined || state.kind === 'gone' || (await retire(plain + REVISIONS_SUFFIX, state))) return;
      }
    });
  }

  /** Removes what killed writers left aside, and the locks of earlier versions. */
  async sweep(olderThanMs: number): Promise<void> {
    await rm(join(this.folder, 'locks'), { recursive: true, force: true });
    // Whoever probed is done with its key after a day, and nobody else knows it.
    const left = (
      await Promise.all(
        [this.#aside, join(this.#objects, 'probe')].map(async (folder) =>
          (await readdir(folder).catch(noNames)).map((name) => join(folder, name)),
        ),
      )
    ).flat();
    if (left.length === 0) return;
    const now = await this.#clock();
    for (const path of left) {
      const facts = await statOrUndefined(path);
      if (facts !== undefined && now - Number(facts.mtimeMs) > olderThanMs) await rm(path, { recursive: true, force: true });
    }
  }

  /** The clock of the file system, which may be that of another machine. */
  async #clock(): Promise<number> {
    const path = asideName(this.#aside);
    const handle = await this.#withFolder(this.#aside, () => open(path, 'wx'));
    try {
      return Number((await handle.stat()).mtimeMs);
    } finally {
      await handle.close();
      await unlink(path).catch(ignore('ENOENT'));
    }
  }

  async *#walk(folder: string, prefix: string): AsyncIterable<ObjectHead> {
    const listed = await this.#mapped(folder, () =>
      readdir(join(this.#objects, folder), { withFileTypes: true }).catch(ignored('ENOENT', 'ENOTDIR')),
    );
    const entries = listed ?? [];
    const revised = new Set(
      entries.filter(({ name }) => name.endsWith(REVISIONS_SUFFIX)).map(({ name }) => folder + name.slice(0, -REVISIONS_SUFFIX.length)),
    );
    const plain = entries
      .filter((entry) => !entry.name.endsWith(REVISIONS_SUFFIX))
      .map((entry) => folder + entry.name + (entry.isDirectory() ? '/' : ''));
    // "a-b" sorts before "a/x": a folder counts with its slash.
    const sorted = [...new Set([...plain, ...revised])].sort(compareKeys);
    for (let start = 0; start < sorted.length;) {
      const name = sorted[start]!;
      if (name.endsWith('/')) {
        if (name.startsWith(prefix) || prefix.startsWith(name)) yield* this.#walk(name, prefix);
        start += 1;
        continue;
      }
      const end = sorted.findIndex((other, index) => index >= start && other.endsWith('/'));
      const group = sorted.slice(start, Math.min(end === -1 ? sorted.length : end, start + CONCURRENT_STATS));
      start += group.length;
      const heads = await this.#mapped(folder, async () => {
        const found = await mapLimited(
          group.filter((key) => key.startsWith(prefix)),
          CONCURRENT_STATS,
          (key) => this.#listed(key, revised.has(key)),
        );
        if (found.includes(undefined)) await this.#checkFolder();
        return found;
      });
      for (const head of heads) if (head !== undefined) yield head;
    }
  }

  /** The folder that was listed told already whether the key has revisions. */
  async #listed(key: string, revised: boolean): Promise<ObjectHead | undefined> {
    const facts = revised ? undefined : await statOrUndefined(join(this.#objects, key));
    return facts?.isFile() === true ? headOf(key, facts) : this.#head(key);
  }

  async #head(key: string): Promise<ObjectHead | undefined> {
    const plain = this.#pathOf(key);
    for (let missed = ''; ;) {
      const current = await this.#locate(plain);
      if (current === undefined) return undefined;
      if (current.etag === undefined) return headOf(key, current.facts);
      const facts = await statOrUndefined(current.path);
      if (facts !== undefined) return { ...headOf(key, facts), etag: current.etag };
      missed = checkMissed(key, missed, current.path);
    }
  }

  /** A plain file holds only where no folder of revisions is there *after* it was looked at. */
  async #locate(
    plain: string,
  ): Promise<{ path: string; etag: string; facts?: undefined } | { path: string; etag?: undefined; facts: BigIntStats } | undefined> {
    const facts = await statOrUndefined(plain);
    const state = await this.#revisions(plain);
    if (state !== undefined)
      return state.kind === 'gone' ? undefined : { path: bytesOf(plain + REVISIONS_SUFFIX, state), etag: state.etag };
    return facts?.isFile() === true ? { path: plain, facts } : undefined;
  }

  async #openCurrent(key: string): Promise<{ handle: FileHandle; etag: string }> {
    const plain = this.#pathOf(key);
    const handle = await open(plain, 'r').catch(ignored('ENOENT', 'ENOTDIR'));
    try {
      for (let missed = ''; ;) {
        const [facts, state] = await Promise.all([handle?.stat({ bigint: true }), this.#revisions(plain)]);
        if (state === undefined) {
          if (handle === undefined || facts?.isFile() !== true) throw objectNotFound(this.location, key);
          return { handle, etag: etagOf(facts) };
        }
        if (state.kind === 'gone') throw objectNotFound(this.location, key);
        const path = bytesOf(plain + REVISIONS_SUFFIX, state);
        const revision = await open(path, 'r').catch(ignored('ENOENT'));
        if (revision !== undefined) {
          await handle?.close();
          return { handle: revision, etag: state.etag };
        }
        missed = checkMissed(key, missed, path);
      }
    } catch (error) {
      await handle?.close();
      throw error;
    }
  }

  #revisions(plain: string): ReturnType<typeof readImported> {
    return readImported(plain + REVISIONS_SUFFIX, plain, this.#aside);
  }

  /** @param given a file that may be taken over, where it lies on the same disk */
  async #place(
    key: string,
    options: PutOptions,
    fill: (handle: FileHandle, aside: string) => Promise<void>,
    given?: string,
  ): Promise<{ etag: string }> {
    checkConditions(options);
    return this.#mapped(key, async () => {
      const plain = this.#pathOf(key);
      // Whoever has lost already need not write and wait for the disk; who has not is checked again where it counts.
      if (options.ifNoneMatch !== undefined || options.ifMatch !== undefined)
        this.#checkCondition(key, (await this.#head(key))?.etag, options);
      const durable = this.#sync && !REPRODUCIBLE.test(key);
      for (;;) {
        const aside = asideName(this.#aside);
        try {
          const written = await this.#fillAside(aside, fill, durable, given);
          const etag = await this.#install(key, plain, aside, written, options, durable);
          if (etag !== undefined) return { etag };
        } finally {
          await unlink(aside).catch(ignore('ENOENT'));
        }
      }
    });
  }

  /** @returns undefined where the bytes were lost to a change meanwhile and have to be written again. */
  async #install(
    key: string,
    plain: string,
    aside: string,
    written: BigIntStats,
    options: PutOptions,
    durable: boolean,
  ): Promise<string | undefined> {
    if ((await this.#revisions(plain)) === undefined) {
      if (options.ifMatch === undefined) {
        const etag =
          options.ifNoneMatch === undefined
            ? await this.#replacePlain(plain, aside, written)
            : await this.#createPlain(key, plain, aside, written, options);
        if (etag !== undefined && durable) await syncFolder(dirname(plain));
        return etag;
      }
      this.#checkCondition(key, (await this.#head(key))?.etag, options);
      await beginRevisions(plain + REVISIONS_SUFFIX, this.#aside);
      if (durable) await syncFolder(dirname(plain));
    }
    const etag = await this.#advance(key, plain, aside, options);
    if (durable) await syncFolder(plain + REVISIONS_SUFFIX);
    return etag;
  }

  async #createPlain(key: string, plain: string, aside: string, written: BigIntStats, options: PutOptions): Promise<string> {
    try {
      await this.#withFolder(dirname(plain), () => link(aside, plain));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const facts = await statOrUndefined(plain);
      if ((await this.#revisions(plain)) !== undefined) return this.#advance(key, plain, aside, options);
      throw facts?.isDirectory() === true ? error : preconditionFailed(this.location, key, options, error);
    }
    const state = await this.#revisions(plain);
    // Taken over by a folder of revisions that somebody began meanwhile, or come too late for one.
    if (state === undefined || state.origin === etagOf(written)) return etagOf(written);
    await removePlain(plain);
    return this.#advance(key, plain, aside, options);
  }

  async #replacePlain(plain: string, aside: string, written: BigIntStats): Promise<string | undefined> {
    await this.#withFolder(dirname(plain), () => rename(aside, plain));
    const state = await this.#revisions(plain);
    if (state === undefined || state.origin === etagOf(written)) return etagOf(written);
    await removePlain(plain);
    return undefined;
  }

  async #advance(key: string, plain: string, aside: string, options: PutOptions): Promise<string> {
    for (;;) {
      const state = await this.#revisions(plain);
      if (state === undefined)
        throw new PerennialError(
          'STORE_UNAVAILABLE',
          `The revisions of "${key}" were removed from ${this.location} while they were written.`,
        );
      this.#checkCondition(key, state.kind === 'now' ? state.etag : undefined, options);
      const etag = await advance(plain + REVISIONS_SUFFIX, state, aside);
      if (etag !== undefined) return etag;
    }
  }

  async #fillAside(
    aside: string,
    fill: (handle: FileHandle, aside: string) => Promise<void>,
    durable: boolean,
    given: string | undefined,
  ): Promise<BigIntStats> {
    const taken = given !== undefined && (await this.#withFolder(this.#aside, () => takeOver(given, aside)));
    const handle = taken ? await open(aside, 'r+') : await this.#withFolder(this.#aside, () => open(aside, 'wx', 0o644));
    try {
      if (taken) await handle.chmod(0o644);
      else await fill(handle, aside);
      const seconds = preciseTime(Number((await handle.stat()).mtimeMs)) / 1000;
      await handle.utimes(seconds, seconds);
      if (durable) await handle.sync();
      return await handle.stat({ bigint: true });
    } finally {
      await handle.close();
    }
  }

  #checkCondition(key: string, current: string | undefined, condition: PutOptions): void {
    const { ifNoneMatch, ifMatch } = condition;
    const isLost = (ifNoneMatch !== undefined && current !== undefined) || (ifMatch !== undefined && current !== ifMatch);
    if (isLost) throw preconditionFailed(this.location, key, condition);
  }

  #pathOf(key: string): string {
    checkKey(key);
    return join(this.#objects, key);
  }

  /**
   * A folder that goes away (a disk unmounted, a folder moved) is an outage, not an empty store: nothing may be found missing in it,
   * and least of all may a second store be begun in its place.
   */
  async #checkFolder(): Promise<void> {
    const facts = await statOrUndefined(this.folder);
    const identity = facts === undefined ? undefined : `${facts.dev}:${facts.ino}`;
    if (this.#identity === undefined) this.#identity = identity;
    if (identity !== this.#identity)
      throw folderGone(this.folder, identity === undefined ? 'is not there any more' : 'is another folder than when the store was opened');
  }

  /**
   * Tries first and makes the folder only when it is missing: the usual case costs nothing. The folder of the store itself is made once,
   * before anything was ever found in it: it may go away between any two calls.
   */
  async #withFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      if (this.#identity === undefined) await mkdir(this.folder, { recursive: true });
      await makeFolder(folder, this.folder);
      return work();
    }
  }

  async #mapped<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      await this.#checkFolder();
      const found = await work();
      // What is not found may have gone with the folder.
      if (found === undefined) await this.#checkFolder();
      return found;
    } catch (error) {
      await this.#checkFolder();
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
          : new PerennialError('NAME_INVALID', `${told}. A key cannot be an object and the folder of other objects at once.`, {
              cause: error,
            });
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

/** Bytes that are gone were replaced since they were looked up; where they are still those that hold, they are lost. */
function checkMissed(key: string, before: string, now: string): string {
  if (before !== now) return now;
  throw new PerennialError('BLOB_CORRUPT', `The bytes of "${key}" are gone: ${now} is named by its folder and not there.`, {
    hint: 'Restore the file from a copy of the store, or write the object anew.',
  });
}

/**
 * In microseconds, which tell writes of one moment apart, by the clock of the file system: the stores of a shared folder have no
 * other one in common. Its ticks are coarse, so our own clock is taken where the two agree.
 */
function preciseTime(fileSystemMs: number): number {
  const own = performance.timeOrigin + performance.now();
  return Math.abs(own - fileSystemMs) < CLOCK_MS_MAX ? own : Math.floor(fileSystemMs) + (own % 1);
}

async function statOrUndefined(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
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

function ignored(...codes: string[]): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error;
    return undefined;
  };
}

/**
 * A second name for a file, instead of a second copy.
 *
 * @returns false where that cannot be: on another disk, or a file system without links
 */
async function takeOver(path: string, aside: string): Promise<boolean> {
  try {
    await link(path, aside);
    return true;
  } catch (error) {
    if (['EXDEV', 'EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && (await statOrUndefined(path)) === undefined) return false;
    throw error;
  }
}

function noNames(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
