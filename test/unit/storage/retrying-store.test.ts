import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PerennialError } from '../../../src/core/errors.ts';
import type { ObjectStore } from '../../../src/core/ports.ts';
import { FaultyStore } from '../../../src/storage/faulty-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { RetryingStore } from '../../../src/storage/retrying-store.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const QUICK = { firstWaitMs: 0.1, waitMsMax: 1 };

function stores(): { inner: MemoryStore; faulty: FaultyStore; store: RetryingStore } {
  const inner = new MemoryStore();
  const faulty = new FaultyStore(inner);
  return { inner, faulty, store: new RetryingStore(faulty, QUICK) };
}

it('a create whose answer was lost counts as done, and only for its writer', async () => {
  const { inner, faulty, store } = stores();
  faulty.plan = { call: 1, when: 'after' };
  const { etag } = await store.put('k', bytes('mine'), { ifNoneMatch: '*' });
  expect((await inner.head('k'))?.etag).toBe(etag);
  await expect(store.put('k', bytes('yours'), { ifNoneMatch: '*' })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
});

it('a lost create stays lost after a fault', async () => {
  const { inner, faulty, store } = stores();
  await inner.put('k', bytes('theirs'));
  faulty.plan = { call: 1, when: 'before' };
  await expect(store.put('k', bytes('mine'), { ifNoneMatch: '*' })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
});

it('a swap whose answer was lost gives the etag for the next swap', async () => {
  const { faulty, store } = stores();
  const first = await store.put('k', bytes('1'));
  faulty.plan = { call: 2, when: 'after' };
  const second = await store.put('k', bytes('2'), { ifMatch: first.etag });
  await store.put('k', bytes('3'), { ifMatch: second.etag });
  await expect(store.put('k', bytes('4'), { ifMatch: second.etag })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
});

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'perennial-retry-'))));
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

it('resolves a lost answer for files as well', async () => {
  const { inner, faulty, store } = stores();
  await writeFile(join(folder, 'f'), 'content');
  faulty.plan = { call: 1, when: 'after' };
  const { etag } = await store.putFile('f', join(folder, 'f'), { ifNoneMatch: '*' });
  expect((await inner.head('f'))?.etag).toBe(etag);
});

it.each(['CONTENT', 'of another size'])('takes no file for its own that holds %s', async (theirs) => {
  const { inner, faulty, store } = stores();
  await writeFile(join(folder, 'f'), 'content');
  await inner.put('f', bytes(theirs));
  faulty.plan = { call: 1, when: 'before' };
  await expect(store.putFile('f', join(folder, 'f'), { ifNoneMatch: '*' })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
});

it('takes a conflict for one where no call failed before, whatever is stored', async () => {
  const { store } = stores();
  await writeFile(join(folder, 'f'), 'same');
  await store.put('k', bytes('same'));
  await expect(store.put('k', bytes('same'), { ifNoneMatch: '*' })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
  await expect(store.putFile('k', join(folder, 'f'), { ifNoneMatch: '*' })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
});

it.each(['put', 'putFile'] as const)('%s: a swap of what is gone meanwhile is a conflict', async (method) => {
  const { faulty, store } = stores();
  await writeFile(join(folder, 'f'), 'x');
  faulty.plan = { call: 1, when: 'before' };
  const body = method === 'put' ? bytes('x') : join(folder, 'f');
  await expect(store[method]('gone', body as never, { ifMatch: 'an etag' })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
});

it('says what else is wrong while it looks for its own write', async () => {
  const { faulty, inner } = stores();
  await inner.put('k', bytes('x'));
  faulty.plan = { call: 1, when: 'before' };
  const broken = new RetryingStore(
    Object.assign(Object.create(faulty) as ObjectStore, {
      put: faulty.put.bind(faulty),
      get: () => Promise.reject(new PerennialError('STORE_FULL', 'No room.')),
    }),
    QUICK,
  );
  await expect(broken.put('k', bytes('x'), { ifNoneMatch: '*' })).rejects.toMatchObject({ code: 'STORE_FULL' });
});

it('repeats every call that failed, with its arguments', async () => {
  const { inner, faulty, store } = stores();
  expect(store.location).toBe(inner.location);
  const failOnce = (): void => {
    faulty.calls = 0;
    faulty.plan = { call: 1, when: 'before' };
  };
  failOnce();
  await store.put('k', bytes('x'));
  failOnce();
  expect(Buffer.from((await store.get('k')).body).toString()).toBe('x');
  failOnce();
  expect(await store.head('k')).toMatchObject({ key: 'k', size: 1 });
  failOnce();
  const parts: Uint8Array[] = [];
  for await (const part of await store.getStream('k')) parts.push(part);
  expect(Buffer.concat(parts).toString()).toBe('x');
  failOnce();
  await store.delete('k');
  expect(await inner.head('k')).toBeUndefined();
  expect(faulty.faults).toBe(5);
});

it('waits twice as long after every failure, up to a bound, each time by a chance of up to a half less', async () => {
  const { faulty, inner } = stores();
  const waits: (number | undefined)[] = [];
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((done: () => void, wait?: number) => {
    waits.push(wait);
    queueMicrotask(done);
  }) as typeof setTimeout);
  const random = vi.spyOn(Math, 'random').mockReturnValue(1);
  faulty.plan = { call: 1, persistent: true };
  const store = new RetryingStore(faulty, { firstWaitMs: 10, waitMsMax: 50, attemptsMax: 5 });
  const error = await store.get('k').catch((problem: unknown) => problem);
  expect(waits.splice(0)).toEqual([10, 20, 40, 50]);
  expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('tried 5 times') });
  expect((error as PerennialError).cause).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect((error as PerennialError).hint).toBe(((error as PerennialError).cause as PerennialError).hint);
  random.mockReturnValue(0);
  await expect(store.put('k', bytes('x'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(waits.splice(0)).toEqual([5, 10, 20, 25]);
  expect(await inner.head('k')).toBeUndefined();
});

it('lists on as long as every call gives a key more, and gives up where none does', async () => {
  const keys = Array.from({ length: 20 }, (_, index) => `k/${String(index).padStart(2, '0')}`);
  let reach = 0;
  let step = 1;
  const flaky = {
    location: 'memory:',
    async *list() {
      reach += step;
      for (const key of keys.slice(0, reach)) yield { key, size: 1, etag: key, modified: new Date(0) };
      if (reach < keys.length) throw new PerennialError('STORE_UNAVAILABLE', 'Away.');
    },
  } as unknown as ObjectStore;
  const store = new RetryingStore(flaky, { ...QUICK, attemptsMax: 2 });
  const seen: string[] = [];
  for await (const { key } of store.list('k/')) seen.push(key);
  expect(seen).toEqual(keys);
  [reach, step] = [3, 0];
  await expect(drain(store)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
});

async function drain(store: ObjectStore): Promise<void> {
  for await (const _ of store.list('k/'));
}

it('gives up after a bounded number of calls, and repeats nothing else', async () => {
  const { faulty, store } = stores();
  faulty.plan = { call: 1, persistent: true };
  await expect(store.get('k')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('tried 6 times') });
  expect(faulty.calls).toBe(6);
  faulty.calls = 0;
  faulty.plan = { call: 1, persistent: true, code: 'STORE_FULL' };
  await expect(store.put('k', bytes('x'))).rejects.toMatchObject({ code: 'STORE_FULL' });
  expect(faulty.calls).toBe(1);
});

it('lists every key once although listing breaks off', async () => {
  const { inner, faulty, store } = stores();
  const keys = Array.from({ length: 20 }, (_, index) => `k/${String(index).padStart(2, '0')}`);
  for (const key of keys) await inner.put(key, bytes('x'));
  faulty.plan = { call: 1, when: 'after' };
  const seen: string[] = [];
  for await (const { key } of store.list('k/')) seen.push(key);
  expect(seen).toEqual(keys);
  expect(faulty.faults).toBeGreaterThan(0);
});
