import { ReadableStream } from 'node:stream/web';

/**
 * What is read once for several who each look at all of it, e.g. rows that are costly to fetch. They work side by side: what one has
 * not taken yet is held in memory.
 *
 * @throws the first mistake of any of them, when all have ended
 */
export async function inOnePass<T, R extends readonly unknown[] | []>(
  source: AsyncIterable<T>,
  readers: { readonly [K in keyof R]: (batches: AsyncIterable<T>) => Promise<R[K]> },
): Promise<R> {
  const branches = branchesOf(source, readers.length);
  const settled = await Promise.allSettled(
    readers.map(async (reader, index) => {
      const branch = branches[index]!;
      try {
        return await reader(branch as AsyncIterable<T>);
      } finally {
        // One who failed before it read anything must not have the whole held for it.
        if (!branch.locked) await branch.cancel();
      }
    }),
  );
  for (const outcome of settled) if (outcome.status === 'rejected') throw outcome.reason;
  return settled.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as unknown as R;
}

function branchesOf<T>(source: AsyncIterable<T>, count: number): ReadableStream<T>[] {
  let rest = ReadableStream.from(source) as ReadableStream<T>;
  const branches: ReadableStream<T>[] = [];
  while (branches.length < count - 1) {
    const [one, others] = rest.tee();
    branches.push(one);
    rest = others;
  }
  return [...branches, rest];
}
