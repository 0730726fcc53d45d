import type { ObjectHead, ObjectStore, PutOptions } from '../core/ports.ts';
import { currentTrace, errorType, measure, openSpan } from '../telemetry/telemetry.ts';
import type { OpenSpan } from '../telemetry/telemetry.ts';

type Operation = 'get' | 'getStream' | 'head' | 'put' | 'putFile' | 'list' | 'delete';

/** Tells every call: as a span where it is part of a trace (what servers ask every second is not), and by its duration. */
export class TracedStore implements ObjectStore {
  readonly location: string;
  readonly #store: ObjectStore;
  readonly #system: 'file' | 's3' | 'memory';

  constructor(store: ObjectStore) {
    this.#store = store;
    this.location = store.location;
    this.#system = store.location.startsWith('s3:') ? 's3' : store.location.startsWith('file:') ? 'file' : 'memory';
  }

  get(key: string): Promise<{ readonly body: Uint8Array; readonly etag: string }> {
    return this.#told(
      'get',
      key,
      () => this.#store.get(key),
      ({ body }) => body.byteLength,
    );
  }

  getStream(key: string): Promise<AsyncIterable<Uint8Array>> {
    return this.#told('getStream', key, () => this.#store.getStream(key));
  }

  head(key: string): Promise<ObjectHead | undefined> {
    return this.#told('head', key, () => this.#store.head(key));
  }

  put(key: string, body: Uint8Array, options?: PutOptions): Promise<{ readonly etag: string }> {
    return this.#told(
      'put',
      key,
      () => this.#store.put(key, body, options),
      () => body.byteLength,
    );
  }

  putFile(key: string, path: string, options?: PutOptions): Promise<{ readonly etag: string }> {
    return this.#told('putFile', key, () => this.#store.putFile(key, path, options));
  }

  delete(key: string): Promise<void> {
    return this.#told('delete', key, () => this.#store.delete(key));
  }

  /** From the first page to the end, however long the reader takes between. */
  async *list(prefix: string): AsyncIterable<ObjectHead> {
    const call = this.#begin('list', prefix);
    let failure: unknown;
    try {
      yield* this.#store.list(prefix);
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      call.end(failure);
    }
  }

  async #told<T>(operation: Operation, key: string, run: () => Promise<T>, bytes?: (result: T) => number): Promise<T> {
    const call = this.#begin(operation, key);
    try {
      const result = await call.within(run);
      if (bytes !== undefined) call.set({ 'perennial.store.bytes': bytes(result) });
      call.end();
      return result;
    } catch (error) {
      call.end(error);
      throw error;
    }
  }

  #begin(operation: Operation, key: string): Pick<OpenSpan, 'set' | 'end' | 'within'> {
    const started = performance.now();
    const facts = {
      'perennial.store.operation': operation,
      'perennial.store.system': this.#system,
      'perennial.store.area': /^[a-z]+/.exec(key)?.[0],
    };
    const span =
      currentTrace() === undefined
        ? undefined
        : openSpan(`store ${operation}`, { kind: 'client', attributes: { ...facts, 'perennial.store.key': key } });
    return {
      set: (attributes) => span?.set(attributes),
      within: (run) => (span === undefined ? run() : span.within(run)),
      end: (error) => {
        span?.end(error);
        measure('perennial.store.operation.duration', (performance.now() - started) / 1_000, {
          ...facts,
          ...(error === undefined ? {} : { 'error.type': errorType(error) }),
        });
      },
    };
  }
}
