import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
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

it('resolves a lost answer for files as well', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-retry-'));
  const { faulty, store } = stores();
  await writeFile(join(folder, 'f'), 'content');
  faulty.plan = { call: 1, when: 'after' };
  await store.putFile('f', join(folder, 'f'), { ifNoneMatch: '*' });
  await rm(folder, { recursive: true });
});

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
