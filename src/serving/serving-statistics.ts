import type { Servable } from './servable.ts';

/** How often, and how long in all, in nanoseconds. */
export interface Duration {
  readonly count: number;
  readonly ns: number;
}

/** What a version has answered since the server began. */
export interface VersionStatistics {
  readonly model: string;
  readonly version: number;
  /** Milliseconds since 1970 at the last answer. */
  readonly lastMs: number;
  /** Examples answered. */
  readonly rows: number;
  /** Times the network was asked, which may compute several requests at once. */
  readonly calls: number;
  /** Requests, from the version that answers to its answer. */
  readonly success: Duration;
  readonly fail: Duration;
  /** Waiting for the network, and its computing. */
  readonly infer: Duration;
}

type Writable = { -readonly [key in keyof VersionStatistics]: VersionStatistics[key] };

/** Counts by version. They begin anew with the server. */
export class ServingStatistics {
  readonly #versions = new Map<string, Writable>();

  /** By model, then by version. */
  all(): VersionStatistics[] {
    return [...this.#versions.values()].sort((a, b) => (a.model < b.model ? -1 : a.model > b.model ? 1 : a.version - b.version));
  }

  /** @param rows examples answered; undefined: the request failed @param ms of the request */
  request(servable: Servable, ms: number, rows: number | undefined): void {
    const found = this.#of(servable);
    if (rows === undefined) found.fail = longer(found.fail, ms);
    else {
      found.success = longer(found.success, ms);
      found.rows += rows;
      found.lastMs = Date.now();
    }
  }

  inference(servable: Servable, ms: number): void {
    const found = this.#of(servable);
    found.calls += 1;
    found.infer = longer(found.infer, ms);
  }

  #of({ model, version }: Servable): Writable {
    const key = `${model}/${version}`;
    let found = this.#versions.get(key);
    if (found === undefined) {
      const none = { count: 0, ns: 0 };
      found = { model, version, lastMs: 0, rows: 0, calls: 0, success: none, fail: none, infer: none };
      this.#versions.set(key, found);
    }
    return found;
  }
}

const longer = ({ count, ns }: Duration, ms: number): Duration => ({ count: count + 1, ns: ns + Math.round(ms * 1e6) });
