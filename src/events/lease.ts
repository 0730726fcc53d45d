import { randomUUID } from 'node:crypto';
import { isPerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { putJson } from '../storage/json-objects.ts';
import { TEXT, defineStored, getReadable, getStored, isUnreadable, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';

/** `outbox/lease.json`: which worker delivers the events of the store; others have records of the same form. */
interface LeaseRecord {
  readonly formatVersion: 1;
  readonly holder: string;
  /** Another one with every sign of life. */
  readonly beat: string;
}

export const LEASE: StoredKind<LeaseRecord> = defineStored({
  at: 'outbox/lease.json',
  remade: 'the workers agree anew on who delivers events',
  name: 'record of who delivers events',
  formatVersion: 1,
  schema: recordSchema({ holder: TEXT, beat: TEXT }),
});

/** `applying.json`: who changes what documents declare, so that two do not at once. */
export const APPLY_LEASE: StoredKind<LeaseRecord> = defineStored({
  ...LEASE,
  at: 'applying.json',
  remade: 'the next `perennial apply` begins anew',
  name: 'record of who applies documents',
});

/** Without a sign of life for so long, in milliseconds, the holder is gone. Whoever waits measures it: no two clocks are compared. */
export const LEASE_MS = 10_000;

/**
 * One of many does what only one may do at a time, as long as it gives signs of life. A holder that hangs may still have something under
 * way when the next one begins.
 */
export class Lease {
  readonly #store: ObjectStore;
  readonly #holder: string;
  readonly #leaseMs: number;
  readonly #kind: StoredKind<LeaseRecord>;
  readonly #key: string;
  #etag: string | undefined;
  #renewedAt = 0;
  #seen: { readonly etag: string; readonly at: number } | undefined;

  /** @param kind which lease: its records lie at one key */
  constructor(store: ObjectStore, holder: string, leaseMs = LEASE_MS, kind: StoredKind<LeaseRecord> = LEASE) {
    this.#store = store;
    this.#holder = holder;
    this.#leaseMs = leaseMs;
    this.#kind = kind;
    this.#key = kind.at!;
  }

  /** Who has it, as the record says; undefined: nobody, or it cannot be read. */
  async holder(): Promise<string | undefined> {
    return (await getReadable(this.#store, this.#kind, this.#key))?.holder;
  }

  /** Whether nobody else can have taken it yet. */
  get held(): boolean {
    return this.#etag !== undefined && performance.now() - this.#renewedAt < this.#leaseMs / 2;
  }

  /** Takes it where it is free, or keeps it. @returns whether it is ours */
  async take(): Promise<boolean> {
    const now = performance.now();
    if (this.#etag !== undefined) return this.#put({ ifMatch: this.#etag }, now);
    const found = await this.#read();
    if (found === undefined) return this.#put({ ifNoneMatch: '*' }, now);
    if (this.#seen?.etag !== found) this.#seen = { etag: found, at: now };
    return now - this.#seen.at >= this.#leaseMs ? this.#put({ ifMatch: found }, now) : false;
  }

  /** Gives it back, so that the next one need not wait. */
  async release(): Promise<void> {
    if (!this.held) return;
    this.#etag = undefined;
    await this.#store.delete(this.#key);
  }

  async #put(condition: { readonly ifMatch: string } | { readonly ifNoneMatch: '*' }, now: number): Promise<boolean> {
    const record: LeaseRecord = { formatVersion: 1, holder: this.#holder, beat: randomUUID() };
    try {
      this.#etag = (await putJson(this.#store, this.#key, record, condition)).etag;
      this.#renewedAt = now;
      return true;
    } catch (error) {
      if (!isPerennialError(error, 'PRECONDITION_FAILED')) throw error;
      this.#etag = undefined;
      return false;
    }
  }

  async #read(): Promise<string | undefined> {
    try {
      return (await getStored(this.#store, this.#kind, this.#key))?.etag;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return (await this.#store.head(this.#key))?.etag;
    }
  }
}
