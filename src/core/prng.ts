/**
 * xoshiro128**, seeded by hashing its key parts: small, fast and the same on every machine. Streams are named by their key, so that
 * what is drawn for one purpose never shifts what is drawn for another.
 *
 * @see D. Blackman, S. Vigna: Scrambled Linear Pseudorandom Number Generators (2021)
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;
  #spare: number | undefined;

  constructor(...key: readonly (string | number)[]) {
    const next = splitMix(hash32(...key));
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  /** Uniform over the 2^32 unsigned integers. */
  uint32(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** Uniform in [0, 1), 32 bits. */
  uniform(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** Uniform in 0 … bound − 1, without bias. */
  below(bound: number): number {
    let value = this.uint32();
    // Nearly always clear without the remainder, which takes longer than all the rest.
    if (value >= 0x1_0000_0000 - bound) {
      const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
      while (value >= limit) value = this.uint32();
    }
    return value % bound;
  }

  /** Standard normal (Marsaglia's polar method). */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square === 0 || square >= 1) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spare = y * factor;
      return x * factor;
    }
  }

  /** Shuffles in place (Fisher and Yates). */
  shuffle<T extends Int32Array | unknown[]>(items: T): T {
    for (let index = items.length - 1; index > 0; index--) {
      const other = this.below(index + 1);
      const kept = items[index]!;
      items[index] = items[other]!;
      items[other] = kept;
    }
    return items;
  }
}

/** A 32-bit hash of a key: strings and numbers, order and boundaries matter (MurmurHash3's mixing over UTF-16 code units). */
export function hash32(...key: readonly (string | number)[]): number {
  let hash = 0x9747b28c;
  const mix = (value: number): void => {
    let k = Math.imul(value, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    hash ^= k;
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  };
  for (const part of key) {
    const text = typeof part === 'number' ? `#${part}` : part;
    for (let index = 0; index < text.length; index++) mix(text.charCodeAt(index));
    mix(0x1_0000 + text.length);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function splitMix(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
}
