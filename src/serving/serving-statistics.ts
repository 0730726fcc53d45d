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

type Writable<T> = { -readonly [key in keyof T]: T[key] extends Duration ? Writable<Duration> : T[key] };

/** Counts by version. They begin anew with the server. */
export class ServingStatistics {
  readonly #versions = new Map<string, Writable<VersionStatistics>>();
  /** The same, without their names written out for each request. */
  readonly #known = new WeakMap<Servable, Writable<VersionStatistics>>();

  /** By model, then by version. */
  all(): VersionStatistics[] {
    return [...this.#versions.values()].sort((a, b) => (a.model < b.model ? -1 : a.model > b.model ? 1 : a.version - b.version));
  }

  /** @param rows examples answered; undefined: the request failed @param ms of the request */
  request(servable: Servable, ms: number, rows: number | undefined): void {
    const found = this.#of(servable);
    if (rows === undefined) lengthen(found.fail, ms);
    else {
      lengthen(found.success, ms);
      found.rows += rows;
      found.lastMs = Date.now();
    }
  }

  inference(servable: Servable, ms: number): void {
    const found = this.#of(servable);
    found.calls += 1;
    lengthen(found.infer, ms);
  }

  #of(servable: Servable): Writable<VersionStatistics> {
    const known = this.#known.get(servable);
    if (known !== undefined) return known;
    const { model, version } = servable;
    const key = `${model}/${version}`;
    const none = (): Duration => ({ count: 0, ns: 0 });
    const found = this.#versions.get(key) ?? { model, version, lastMs: 0, rows: 0, calls: 0, success: none(), fail: none(), infer: none() };
    this.#versions.set(key, found);
    this.#known.set(servable, found);
    return found;
  }
}

function lengthen(duration: Writable<Duration>, ms: number): void {
  duration.count += 1;
  duration.ns += Math.round(ms * 1e6);
}
