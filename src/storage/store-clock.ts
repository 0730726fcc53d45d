import { randomUUID } from 'node:crypto';
import { PerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';

/** How long a measured difference is believed. */
export const CLOCK_BELIEVED_MS = 60_000;
/** Our own two clocks part by so much when one was set, or the machine slept: then the difference is measured anew. */
const STEP_MS = 1_000;

interface Measured {
  /** Clock of the store less our own. */
  readonly difference: number;
  readonly wall: number;
  readonly monotonic: number;
}

const measurements = new WeakMap<ObjectStore, Measured>();

/**
 * Now, by the clock that `modifiedAt` of the store's objects is by. Machines that share a store have no other clock in common: what
 * one writes and another one judges is measured by it alone. S3 tells seconds, so it can be one behind.
 *
 * @param believedMs 0: ask now
 * @throws STORE_UNAVAILABLE
 */
export async function storeNow(store: ObjectStore, believedMs: number = CLOCK_BELIEVED_MS): Promise<number> {
  const known = measurements.get(store);
  if (known === undefined || !isBelieved(known, believedMs)) measurements.set(store, await measure(store));
  return Date.now() + measurements.get(store)!.difference;
}

/** Now by the clock of a store, for those who cannot wait for its answer: as far as it is known. */
export class StoreClock {
  readonly #store: ObjectStore;
  #aheadMs = 0;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }

  /** Learns by how much the clock of this machine is wrong, also where it was set since. @throws STORE_UNAVAILABLE: what was known holds */
  async look(): Promise<void> {
    this.#aheadMs = (await storeNow(this.#store)) - Date.now();
  }
}

function isBelieved({ wall, monotonic }: Measured, believedMs: number): boolean {
  const age = performance.now() - monotonic;
  return age < believedMs && Math.abs(Date.now() - wall - age) < STEP_MS;
}

async function measure(store: ObjectStore): Promise<Measured> {
  const key = `probe/${randomUUID()}`;
  const before = Date.now();
  await store.put(key, Buffer.from(key));
  const after = Date.now();
  try {
    const head = await store.head(key);
    if (head === undefined)
      throw new PerennialError('STORE_UNAVAILABLE', `${store.location} does not find "${key}", which was just written.`);
    const wall = Date.now();
    // A clock that agrees within what the question took and the store's ticks is ours.
    const difference = head.modifiedAt > before - STEP_MS && head.modifiedAt < after + STEP_MS ? 0 : head.modifiedAt - (before + after) / 2;
    return { difference, wall, monotonic: performance.now() };
  } finally {
    await store.delete(key);
  }
}
