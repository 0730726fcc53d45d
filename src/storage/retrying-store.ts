import { stat } from 'node:fs/promises';
import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ObjectHead, ObjectStore, PutOptions } from '../core/ports.ts';
import { sha256, sha256File } from './digest.ts';
import { compareKeys } from './keys.ts';

export interface RetryOptions {
  /** Calls in all, the first one included. */
  readonly attemptsMax: number;
  readonly firstWaitMs: number;
  readonly waitMsMax: number;
}

/** Rides out about four seconds: longer outages are for the retries of the step. */
export const RETRY_DEFAULTS: RetryOptions = { attemptsMax: 6, firstWaitMs: 60, waitMsMax: 2_000 };

/**
 * Repeats calls that failed because the store could not be reached. A conditional put whose answer was lost may have happened:
 * the repetition then meets its own write, which is told from somebody else's by comparing the stored bytes. So bodies of
 * conditional puts must be unique per writer (the registry's carry an id).
 */
export class RetryingStore implements ObjectStore {
  readonly location: string;
  readonly #inner: ObjectStore;
  readonly #options: RetryOptions;

  constructor(inner: ObjectStore, options: Partial<RetryOptions> = {}) {
    this.#inner = inner;
    this.location = inner.location;
    this.#options = { ...RETRY_DEFAULTS, ...options };
  }

  get(key: string): Promise<{ readonly body: Uint8Array; readonly etag: string }> {
    return this.#repeat(() => this.#inner.get(key));
  }

  getStream(key: string): Promise<AsyncIterable<Uint8Array>> {
    return this.#repeat(() => this.#inner.getStream(key));
  }

  head(key: string): Promise<ObjectHead | undefined> {
    return this.#repeat(() => this.#inner.head(key));
  }

  delete(key: string): Promise<void> {
    return this.#repeat(() => this.#inner.delete(key));
  }

  put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<{ readonly etag: string }> {
    return this.#repeatPut(
      () => this.#inner.put(key, body, options),
      async () => {
        const stored = await this.#inner.get(key);
        return Buffer.compare(stored.body, body) === 0 ? { etag: stored.etag } : undefined;
      },
    );
  }

  putFile(key: string, path: string, options: PutOptions = {}): Promise<{ readonly etag: string }> {
    return this.#repeatPut(
      () => this.#inner.putFile(key, path, options),
      async () => {
        const head = await this.#inner.head(key);
        if (head === undefined || head.size !== (await stat(path)).size) return undefined;
        const stored = await this.#inner.get(key);
        return sha256(stored.body) === (await sha256File(path)) ? { etag: stored.etag } : undefined;
      },
    );
  }

  /** Listing goes on after the last key that was given, so that a fault neither repeats nor drops one. */
  async *list(prefix: string): AsyncIterable<ObjectHead> {
    let last: string | undefined;
    for (let failures = 0; ;) {
      try {
        for await (const head of this.#inner.list(prefix)) {
          if (last !== undefined && compareKeys(head.key, last) <= 0) continue;
          last = head.key;
          failures = 0;
          yield head;
        }
        return;
      } catch (error) {
        failures += 1;
        await this.#waitOrThrow(error, failures);
      }
    }
  }

  async #repeat<T>(call: () => Promise<T>): Promise<T> {
    for (let failures = 0; ;) {
      try {
        return await call();
      } catch (error) {
        failures += 1;
        await this.#waitOrThrow(error, failures);
      }
    }
  }

  async #repeatPut(
    call: () => Promise<{ etag: string }>,
    ownWrite: () => Promise<{ etag: string } | undefined>,
  ): Promise<{ etag: string }> {
    for (let failures = 0; ;) {
      try {
        return await call();
      } catch (error) {
        if (failures > 0 && isPerennialError(error, 'PRECONDITION_FAILED')) {
          const own = await this.#repeat(() => ownWrite().catch(absent));
          if (own !== undefined) return own;
          throw error;
        }
        failures += 1;
        await this.#waitOrThrow(error, failures);
      }
    }
  }

  async #waitOrThrow(error: unknown, failures: number): Promise<void> {
    if (!isPerennialError(error, 'STORE_UNAVAILABLE')) throw error;
    if (failures >= this.#options.attemptsMax) {
      throw new PerennialError('STORE_UNAVAILABLE', `${error.message} (tried ${failures} times)`, { cause: error, hint: error.hint });
    }
    const wait = Math.min(this.#options.firstWaitMs * 2 ** (failures - 1), this.#options.waitMsMax);
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
  }
}

function absent(error: unknown): undefined {
  if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
  throw error;
}
