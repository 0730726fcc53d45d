/**
 * What is read once for several who each look at all of it, e.g. rows that are costly to fetch. They go step by step: the next part is
 * read when all who still read have taken the one before, so that one part is held in memory, however late one of them begins. None of
 * them may wait for another.
 *
 * @throws the first mistake of any of them, when all have ended
 */
export async function inOnePass<T, R extends readonly unknown[] | []>(
  source: AsyncIterable<T>,
  readers: { readonly [K in keyof R]: (batches: AsyncIterable<T>) => Promise<R[K]> },
): Promise<R> {
  const parts = new SharedParts(source, readers.length);
  const settled = await Promise.allSettled(
    readers.map(async (reader, index) => {
      try {
        return await reader(parts.readBy(index));
      } finally {
        parts.leave(index);
      }
    }),
  );
  await parts.end();
  for (const outcome of settled) if (outcome.status === 'rejected') throw outcome.reason;
  return settled.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as unknown as R;
}

type Asked<T> = (next: Promise<IteratorResult<T>>) => void;

class SharedParts<T> {
  readonly #source: AsyncIterator<T>;
  readonly #reading: Set<number>;
  readonly #asked = new Map<number, Asked<T>>();

  constructor(source: AsyncIterable<T>, readers: number) {
    this.#source = source[Symbol.asyncIterator]();
    this.#reading = new Set(Array.from({ length: readers }, (_, index) => index));
  }

  readBy(reader: number): AsyncIterable<T> {
    return {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise<IteratorResult<T>>((resolve) => {
            this.#asked.set(reader, resolve);
            this.#goOn();
          }),
        return: (value) => {
          this.leave(reader);
          return Promise.resolve({ done: true, value: value as T });
        },
      }),
    };
  }

  /** The others wait for this one no longer. */
  leave(reader: number): void {
    this.#reading.delete(reader);
    this.#asked.delete(reader);
    this.#goOn();
  }

  async end(): Promise<void> {
    await this.#source.return?.();
  }

  #goOn(): void {
    if (this.#asked.size === 0 || this.#asked.size < this.#reading.size) return;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    const next = this.#source.next();
    for (const give of asked) give(next);
  }
}
