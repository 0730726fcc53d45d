/** Bounds of what the holder of a token may ask. */
export interface TokenLimits {
  /** Of one server, on average; what was not asked in the last second may be asked at once. */
  readonly requestsPerSecond?: number;
  readonly rowsPerRequest?: number;
}

interface Bucket {
  tokens: number;
  /** Milliseconds, of a clock that never goes back. */
  at: number;
}

/** Holders that are remembered; who was silent for a second may be forgotten. */
const HOLDERS_MAX = 10_000;

/** A token bucket for each holder: as many requests as a second brings, and refilled all the time. */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Takes a request in, or says in how many seconds it can be. @returns 0: it is taken in */
  wait({ name, requestsPerSecond: rate }: { readonly name: string } & TokenLimits): number {
    if (rate === undefined) return 0;
    const now = this.#now();
    const most = Math.max(1, rate);
    const bucket = this.#buckets.get(name) ?? { tokens: most, at: now };
    const tokens = Math.min(most, bucket.tokens + ((now - bucket.at) / 1_000) * rate);
    if (!this.#buckets.has(name) && this.#buckets.size >= HOLDERS_MAX) this.#forget(now);
    this.#buckets.set(name, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1 ? 0 : (1 - tokens) / rate;
  }

  #forget(now: number): void {
    for (const [name, { at }] of this.#buckets) if (now - at > 1_000) this.#buckets.delete(name);
  }
}
