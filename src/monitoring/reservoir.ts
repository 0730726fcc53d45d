import type { Prng } from '../core/prng.ts';

/** Some of what comes one after the other, each as likely as any other, where it is not known how many come (Vitter's algorithm R). */
export class Reservoir<T> {
  readonly kept: T[] = [];
  readonly #most: number;
  readonly #random: Prng;
  #seen = 0;

  constructor(most: number, random: Prng) {
    this.#most = most;
    this.#random = random;
  }

  /** How many came. */
  get seen(): number {
    return this.#seen;
  }

  /** @param make is asked only for what is kept */
  add(make: () => T): void {
    this.#seen += 1;
    const slot = this.kept.length < this.#most ? this.kept.length : this.#random.below(this.#seen);
    if (slot < this.#most) this.kept[slot] = make();
  }
}
