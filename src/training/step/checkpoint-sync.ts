import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import type { ObjectStore } from '../../core/ports.ts';
import { hasPassed } from '../../platform/passed.ts';

/** Copies go up at most this often: a machine that is lost costs this much work at most, besides what training had not saved. */
const UPLOAD_MS = 20_000;
const KEPT = 2;

/**
 * Copies of the newest checkpoints in the object store, so that another machine can go on. A store that is away costs only that
 * chance, not the training.
 */
export class CheckpointSync {
  readonly #store: ObjectStore;
  readonly #prefix: string;
  readonly #dir: string;
  readonly #warn: (message: string) => void;
  #newest: string | undefined;
  #copied: string | undefined;
  #uploadedAt = Date.now();
  #upload: Promise<void> | undefined;

  constructor(store: ObjectStore, binding: string, dir: string, warn: (message: string) => void) {
    this.#store = store;
    this.#prefix = `checkpoints/${binding}/`;
    this.#dir = dir;
    this.#warn = warn;
  }

  /** Brings checkpoints here where this machine has none. */
  async fetch(): Promise<void> {
    if ((await readdir(this.#dir)).some((name) => name.endsWith('.ckpt'))) return;
    await this.#attempt('checkpoints in the store cannot be read', async () => {
      for (const key of await this.#keys()) {
        const { body } = await this.#store.get(key);
        const path = join(this.#dir, basename(key));
        await writeFile(`${path}.tmp`, body);
        await rename(`${path}.tmp`, path);
      }
    });
  }

  /** Takes note of a new checkpoint, and copies it when the last copy is old enough. */
  push(path: string): void {
    this.#newest = path;
    if (this.#upload !== undefined || !hasPassed(this.#uploadedAt, UPLOAD_MS)) return;
    this.#upload = this.#copyNewest().finally(() => {
      this.#upload = undefined;
    });
  }

  /** Waits for a copy under way, and copies the newest checkpoint where the training was interrupted. */
  async settle(finished: boolean): Promise<void> {
    await this.#upload;
    if (!finished && this.#newest !== this.#copied) await this.#copyNewest();
  }

  async #copyNewest(): Promise<void> {
    const path = this.#newest;
    if (path === undefined) return;
    await this.#attempt('a checkpoint cannot be copied to the store', async () => {
      await this.#store.putFile(this.#prefix + basename(path), path);
      for (const old of (await this.#keys()).slice(0, -KEPT)) await this.#store.delete(old);
    });
    this.#uploadedAt = Date.now();
    this.#copied = path;
  }

  /** Removes the copies here and in the store: the training is done. */
  async clear(): Promise<void> {
    await this.#attempt('checkpoints in the store cannot be removed', async () => {
      for (const key of await this.#keys()) await this.#store.delete(key);
    });
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** Oldest first. */
  async #keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.#store.list(this.#prefix)) keys.push(key);
    return keys.sort();
  }

  async #attempt(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#warn(`${what}, training goes on without: ${messageOf(error)}`);
    }
  }
}
