import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/storage/digest.ts';
import { probeStore } from '../../../src/storage/probe.ts';
import { STORE_KINDS } from './stores.ts';
import type { StoreUnderTest } from './stores.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (body: Uint8Array): string => Buffer.from(body).toString('utf8');

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe.each(STORE_KINDS)('object store: $name', (kind) => {
  let opened: StoreUnderTest;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'perennial-contract-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    opened = await kind.open();
  });
  afterEach(() => opened.close());

  it('gives back what was put, byte by byte, also nothing at all', async () => {
    const { store } = opened;
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    await store.put('a/all-bytes', all);
    expect([...(await store.get('a/all-bytes')).body]).toEqual([...all]);
    await store.put('a/empty', new Uint8Array());
    expect((await store.get('a/empty')).body.length).toBe(0);
    expect((await store.head('a/empty'))?.size).toBe(0);
  });

  it('replaces without a condition, and head agrees with get and list', async () => {
    const { store } = opened;
    const before = Date.now();
    const first = await store.put('k', bytes('first'));
    const second = await store.put('k', bytes('second!'));
    expect(second.etag).not.toBe(first.etag);
    const got = await store.get('k');
    const head = await store.head('k');
    expect(text(got.body)).toBe('second!');
    expect(got.etag).toBe(second.etag);
    expect(head).toMatchObject({ key: 'k', size: 7, etag: second.etag });
    expect(Math.abs(head!.modifiedAt - before)).toBeLessThan(60_000);
    expect((await collect(store.list('k'))).map(({ key, size, etag }) => ({ key, size, etag }))).toEqual([
      { key: 'k', size: 7, etag: second.etag },
    ]);
  });

  it('says OBJECT_NOT_FOUND, or undefined for head', async () => {
    const { store } = opened;
    await expect(store.get('no/such')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
    await expect(store.getStream('no/such')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
    expect(await store.head('no/such')).toBeUndefined();
    await store.put('no/such/deeper', bytes('x'));
    expect(await store.head('no/such')).toBeUndefined();
    await expect(store.get('no/such')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
  });

  it('creates only once', async () => {
    const { store } = opened;
    const { etag } = await store.put('k', bytes('mine'), { ifNoneMatch: '*' });
    await expect(store.put('k', bytes('yours'), { ifNoneMatch: '*' })).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
      retryable: true,
    });
    expect(text((await store.get('k')).body)).toBe('mine');
    expect((await store.head('k'))?.etag).toBe(etag);
  });

  it('replaces only the expected etag, and never an absent object', async () => {
    const { store } = opened;
    const first = await store.put('k', bytes('1'));
    const second = await store.put('k', bytes('2'), { ifMatch: first.etag });
    await expect(store.put('k', bytes('3'), { ifMatch: first.etag })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
    expect(text((await store.get('k')).body)).toBe('2');
    expect((await store.get('k')).etag).toBe(second.etag);
    await expect(store.put('absent', bytes('3'), { ifMatch: first.etag })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
    expect(await store.head('absent')).toBeUndefined();
  });

  it('lets exactly one of many creators win', async () => {
    const { store } = opened;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 32 }, (_, index) => store.put('race', bytes(`by ${index}`), { ifNoneMatch: '*' })),
    );
    const winners = outcomes.flatMap((outcome, index) => (outcome.status === 'fulfilled' ? [index] : []));
    expect(winners).toHaveLength(1);
    expect(text((await store.get('race')).body)).toBe(`by ${winners[0]}`);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'PRECONDITION_FAILED' });
  });

  it('loses no update under compare-and-swap', async () => {
    const { store } = opened;
    await store.put('counter', bytes('0'));
    const increment = async (): Promise<void> => {
      for (;;) {
        const { body, etag } = await store.get('counter');
        try {
          await store.put('counter', bytes(String(Number(text(body)) + 1)), { ifMatch: etag });
          return;
        } catch (error) {
          if ((error as { code?: string }).code !== 'PRECONDITION_FAILED') throw error;
        }
      }
    };
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let round = 0; round < 5; round += 1) await increment();
      }),
    );
    expect(text((await store.get('counter')).body)).toBe('40');
  });

  it('streams files in and out, above one part of an upload too', async () => {
    const { store } = opened;
    const large = Buffer.alloc(17 * 1024 * 1024 + 3, 'perennial');
    const path = join(folder, 'large.bin');
    await writeFile(path, large);
    const { etag } = await store.putFile('files/large', path);
    const head = await store.head('files/large');
    expect(head).toMatchObject({ size: large.length, etag });
    const received: Uint8Array[] = [];
    for await (const chunk of await store.getStream('files/large')) received.push(chunk);
    expect(sha256(Buffer.concat(received))).toBe(sha256(large));
    await writeFile(join(folder, 'small'), 'small');
    await store.putFile('files/small', join(folder, 'small'), { ifNoneMatch: '*' });
    await expect(store.putFile('files/small', path.replace('large.bin', 'small'), { ifNoneMatch: '*' })).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
    });
  });

  it('lists by prefix in the order of the bytes, also over many pages', async () => {
    const { store } = opened;
    const odd = [
      'list/a-b',
      'list/a/x',
      'list/a.b',
      'list/a',
      'list/ä',
      'list/Z',
      'list/z z',
      'list/a+b',
      'list/𝄞',
      'list/ｚ',
      'lists',
    ].filter((key) => key !== 'list/a');
    for (const key of odd) await store.put(key, bytes(key));
    const sorted = odd.filter((key) => key.startsWith('list/')).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect((await collect(store.list('list/'))).map((head) => head.key)).toEqual(sorted);
    expect((await collect(store.list('list/a/'))).map((head) => head.key)).toEqual(['list/a/x']);
    expect((await collect(store.list('list/a'))).map((head) => head.key)).toEqual(sorted.filter((key) => key.startsWith('list/a')));
    expect(await collect(store.list('nothing/'))).toEqual([]);
    for (const key of odd) expect(text((await store.get(key)).body)).toBe(key);
  });

  it('lists more than a thousand objects', async () => {
    const { store } = opened;
    const keys = Array.from({ length: 1_050 }, (_, index) => `cache/many/${String(index).padStart(5, '0')}`);
    for (let start = 0; start < keys.length; start += 50)
      await Promise.all(keys.slice(start, start + 50).map((key) => store.put(key, bytes('x'))));
    expect((await collect(store.list('cache/many/'))).map((head) => head.key)).toEqual(keys);
  });

  it('deletes, twice too', async () => {
    const { store } = opened;
    await store.put('d/k', bytes('x'));
    await store.delete('d/k');
    await store.delete('d/k');
    expect(await store.head('d/k')).toBeUndefined();
    expect(await collect(store.list('d/'))).toEqual([]);
    await store.put('d/k', bytes('again'), { ifNoneMatch: '*' });
  });

  it.each([
    '',
    '/',
    'a//b',
    '/a',
    'a/',
    '.',
    '..',
    '../etc/passwd',
    'a/../b',
    'a/./b',
    'a\\b',
    'a\nb',
    'a\0b',
    '\ud800',
    'x'.repeat(241),
    `${'x'.repeat(200)}/`.repeat(5),
  ])('refuses the key %j', async (key) => {
    const { store } = opened;
    for (const call of [
      () => store.get(key),
      () => store.put(key, bytes('x')),
      () => store.head(key),
      () => store.delete(key),
      () => store.getStream(key),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'NAME_INVALID' });
    }
  });

  it.each(['__proto__', 'constructor', 'with space', 'ünïcödé/ﬁ', 'a%2Fb', 'quote\'"', 'plus+and&'])('holds the key %j', async (key) => {
    const { store } = opened;
    await store.put(key, bytes(key), { ifNoneMatch: '*' });
    expect(text((await store.get(key)).body)).toBe(key);
    expect((await collect(store.list(key))).map((head) => head.key)).toEqual([key]);
  });

  it('honours conditions, says the probe, and the probe leaves nothing behind', async () => {
    await probeStore(opened.store);
    expect(await collect(opened.store.list(''))).toEqual([]);
  });
});
