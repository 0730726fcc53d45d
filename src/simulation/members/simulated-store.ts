import type { ObjectHead, ObjectStore, PutOptions } from '../../core/ports.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/** Announcements of processes, which lived through no time that was skipped. */
const LIVED = /^servers\//;

/** A store whose objects tell simulated times. */
export class SimulatedStore implements ObjectStore {
  readonly location: string;
  readonly #store: ObjectStore;
  readonly #clock: SimulatedClock;

  constructor(store: ObjectStore, clock: SimulatedClock) {
    this.location = store.location;
    this.#store = store;
    this.#clock = clock;
  }

  get(key: string): ReturnType<ObjectStore['get']> {
    return this.#store.get(key);
  }

  getStream(key: string): ReturnType<ObjectStore['getStream']> {
    return this.#store.getStream(key);
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const head = await this.#store.head(key);
    return head === undefined ? undefined : this.#simulated(head);
  }

  put(key: string, body: Uint8Array, options?: PutOptions): ReturnType<ObjectStore['put']> {
    return this.#store.put(key, body, options);
  }

  putFile(key: string, path: string, options?: PutOptions): ReturnType<ObjectStore['putFile']> {
    return this.#store.putFile(key, path, options);
  }

  async *list(prefix: string): AsyncIterable<ObjectHead> {
    for await (const head of this.#store.list(prefix)) yield this.#simulated(head);
  }

  delete(key: string): Promise<void> {
    return this.#store.delete(key);
  }

  #simulated(head: ObjectHead): ObjectHead {
    return {
      ...head,
      modifiedAt: LIVED.test(head.key) ? head.modifiedAt + this.#clock.aheadMs : this.#clock.at(head.modifiedAt),
    };
  }
}
