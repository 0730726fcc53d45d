import { expect, it } from 'vitest';
import { inOnePass } from '../../../src/platform/one-pass.ts';

async function all(numbers: AsyncIterable<number>): Promise<number[]> {
  const found: number[] = [];
  for await (const number of numbers) found.push(number);
  return found;
}

function counted(most: number): { readonly source: AsyncGenerator<number>; readonly read: () => number; readonly ended: () => boolean } {
  let read = 0;
  let ended = false;
  async function* numbers(): AsyncGenerator<number> {
    try {
      for (let number = 0; number < most; number += 1) {
        read += 1;
        yield number;
      }
    } finally {
      ended = true;
    }
  }
  return { source: numbers(), read: () => read, ended: () => ended };
}

it.each([1, 2, 3])('lets %i readers see all of what is read once', async (count) => {
  const { source, read, ended } = counted(50);
  const found = await inOnePass(
    source,
    Array.from({ length: count }, () => all),
  );
  expect(found).toEqual(Array.from({ length: count }, () => Array.from({ length: 50 }, (_, index) => index)));
  expect(read()).toBe(50);
  expect(ended()).toBe(true);
});

it('tells what one of them threw when the others have ended', async () => {
  let sum = 0;
  const before = inOnePass(counted(20).source, [
    () => Promise.reject(new Error('no column')),
    async (numbers: AsyncIterable<number>) => {
      for (const number of await all(numbers)) sum += number;
    },
  ]);
  await expect(before).rejects.toThrow('no column');
  expect(sum).toBe(190);
  const amid = inOnePass(counted(20).source, [
    all,
    async (numbers: AsyncIterable<number>) => {
      for await (const number of numbers) if (number === 3) throw new Error('third');
    },
  ]);
  await expect(amid).rejects.toThrow('third');
});

it('passes on what the source throws, and ends a source that nobody wants', async () => {
  async function* broken(): AsyncGenerator<number> {
    yield 1;
    throw new Error('gone');
  }
  await expect(inOnePass(broken(), [all, all])).rejects.toThrow('gone');
  const unwanted = counted(1_000);
  await expect(
    inOnePass(unwanted.source, [() => Promise.reject(new Error('first')), () => Promise.reject(new Error('second'))]),
  ).rejects.toThrow('first');
  expect(unwanted.read()).toBe(0);
  const left = counted(1_000);
  const one = async (numbers: AsyncIterable<number>): Promise<void> => {
    for await (const _number of numbers) return;
  };
  await inOnePass(left.source, [one, one]);
  expect([left.read(), left.ended()]).toEqual([1, true]);
});

it('holds one part, however late one of them begins, and goes on without one that has enough', async () => {
  const { source, read } = counted(500);
  let reads = 0;
  const late = async (numbers: AsyncIterable<number>): Promise<number[]> => {
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    reads = read();
    return all(numbers);
  };
  const first = async (numbers: AsyncIterable<number>): Promise<number | undefined> => {
    for await (const number of numbers) return number;
    return undefined;
  };
  const [early, rest, one] = await inOnePass(source, [all, late, first]);
  expect(reads).toBeLessThan(3);
  expect([early.length, rest.length, one]).toEqual([500, 500, 0]);
});
