import type { Batcher } from './batcher.ts';
import type { Lease, Servable } from './servable.ts';

/** A loaded version with a count of the requests that use it: its memory is freed when it is retired and the last one ended. */
export class VersionHandle {
  readonly servable: Servable;
  readonly #batcher: Batcher;
  #users = 0;
  #retired = false;

  constructor(servable: Servable, batcher: Batcher) {
    this.servable = servable;
    this.#batcher = batcher;
  }

  get retired(): boolean {
    return this.#retired;
  }

  get users(): number {
    return this.#users;
  }

  acquire(): Lease {
    if (this.#retired) throw new Error(`version ${this.servable.version} of ${this.servable.model} is retired already`);
    this.#users += 1;
    let released = false;
    return {
      servable: this.servable,
      predict: (batch, waitMs) => this.#batcher.predict(batch, waitMs),
      release: () => {
        if (released) return;
        released = true;
        this.#users -= 1;
        this.#disposeWhenUnused();
      },
    };
  }

  /** No new request may start on it. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#disposeWhenUnused();
  }

  #disposeWhenUnused(): void {
    if (!this.#retired || this.#users > 0) return;
    this.servable.predictor.dispose();
  }
}
