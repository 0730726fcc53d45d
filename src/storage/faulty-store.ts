import { PerennialError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { ObjectHead, ObjectStore, PutOptions } from '../core/ports.ts';
import { Prng } from '../core/prng.ts';

export interface FaultPlan {
  /** Number of the call that fails, from 1. */
  readonly call?: number;
  /** Or: the chance of every call to fail, 0 to 1, drawn from `seed`. */
  readonly chance?: number;
  readonly seed?: number;
  /** `before`: nothing happened. `after`: it happened, and the answer was lost. Default: drawn for `chance`, `before` for `call`. */
  readonly when?: 'before' | 'after';
  /** Every call from `call` on fails, as with a store that went away. */
  readonly persistent?: boolean;
  readonly code?: ErrorCode;
}

/** A store that fails on purpose, for tests: the n-th call, or a seeded share of the calls, before or after the effect. */
export class FaultyStore implements ObjectStore {
  readonly location: string;
  /** Calls so far; set to 0 to count anew. */
  calls = 0;
  /** Faults so far. */
  faults = 0;
  plan: FaultPlan;
  readonly #inner: ObjectStore;
  readonly #random: Prng;

  constructor(inner: ObjectStore, plan: FaultPlan = {}) {
    this.#inner = inner;
    this.location = inner.location;
    this.plan = plan;
    this.#random = new Prng('faults', plan.seed ?? 1);
  }

  get(key: string): Promise<{ readonly body: Uint8Array; readonly etag: string }> {
    return this.#call('get', key, () => this.#inner.get(key));
  }

  getStream(key: string): Promise<AsyncIterable<Uint8Array>> {
    return this.#call('getStream', key, () => this.#inner.getStream(key));
  }

  head(key: string): Promise<ObjectHead | undefined> {
    return this.#call('head', key, () => this.#inner.head(key));
  }

  put(key: string, body: Uint8Array, options?: PutOptions): Promise<{ readonly etag: string }> {
    return this.#call('put', key, () => this.#inner.put(key, body, options));
  }

  putFile(key: string, path: string, options?: PutOptions): Promise<{ readonly etag: string }> {
    return this.#call('putFile', key, () => this.#inner.putFile(key, path, options));
  }

  delete(key: string): Promise<void> {
    return this.#call('delete', key, () => this.#inner.delete(key));
  }

  async *list(prefix: string): AsyncIterable<ObjectHead> {
    const fault = this.#drawFault();
    if (fault === 'before') throw this.#fault('list', prefix);
    let given = 0;
    for await (const head of this.#inner.list(prefix)) {
      yield head;
      given += 1;
      if (fault === 'after' && given === 1) throw this.#fault('list', prefix);
    }
    if (fault === 'after') throw this.#fault('list', prefix);
  }

  async #call<T>(method: string, key: string, effect: () => Promise<T>): Promise<T> {
    const fault = this.#drawFault();
    if (fault === 'before') throw this.#fault(method, key);
    const result = await effect();
    if (fault === 'after') throw this.#fault(method, key);
    return result;
  }

  #drawFault(): 'before' | 'after' | undefined {
    this.calls += 1;
    const { call, chance = 0, when, persistent = false } = this.plan;
    if (call !== undefined) return this.calls === call || (persistent && this.calls > call) ? (when ?? 'before') : undefined;
    if (this.#random.uniform() >= chance) return undefined;
    return when ?? (this.#random.uniform() < 0.5 ? 'before' : 'after');
  }

  #fault(method: string, key: string): PerennialError {
    this.faults += 1;
    return new PerennialError(this.plan.code ?? 'STORE_UNAVAILABLE', `Fault on purpose in call ${this.calls}: ${method} "${key}".`);
  }
}
