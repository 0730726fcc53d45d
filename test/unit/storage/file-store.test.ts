import { link, mkdir, mkdtemp, readdir, rename, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FileStore } from '../../../src/storage/file-store.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-file-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('leaves nothing aside, and sweeps what a killed writer left', async () => {
  const store = new FileStore(folder);
  await store.put('a/b', Buffer.from('x'));
  await store.put('a/b', Buffer.from('y'), { ifNoneMatch: '*' }).catch(() => undefined);
  expect(await readdir(join(folder, 'tmp'))).toEqual([]);
  await writeFile(join(folder, 'tmp', 'old'), 'half');
  await writeFile(join(folder, 'tmp', 'new'), 'half');
  await utimes(join(folder, 'tmp', 'old'), 1, 1);
  await store.sweep(3_600_000);
  expect(await readdir(join(folder, 'tmp'))).toEqual(['new']);
});

it('says that a key cannot be an object and a folder', async () => {
  const store = new FileStore(folder);
  await store.put('a', Buffer.from('x'));
  await expect(store.put('a/b', Buffer.from('y'))).rejects.toMatchObject({ code: 'NAME_INVALID' });
  await store.put('d/e', Buffer.from('x'));
  await expect(store.put('d', Buffer.from('y'))).rejects.toMatchObject({ code: 'NAME_INVALID' });
  await store.delete('d');
  expect(await store.head('d/e')).toBeDefined();
});

it('gives every write another etag, also within one tick of the clock and with equal bytes', async () => {
  const store = new FileStore(folder, { sync: false });
  const etags = new Set<string>();
  for (let index = 0; index < 200; index += 1) etags.add((await store.put('cache/k', Buffer.from('same'))).etag);
  expect(etags.size).toBe(200);
});

const text = async (store: FileStore, key: string): Promise<string> => Buffer.from((await store.get(key)).body).toString('utf8');
const revisionsOf = (key: string): Promise<string[]> => readdir(join(folder, 'objects', `${key}\\revisions`));

it('reads a store of plain files as it is, keeps its etags, and gives a key revisions when it is first replaced under a condition', async () => {
  await mkdir(join(folder, 'objects', 'models'), { recursive: true });
  await writeFile(join(folder, 'objects', 'models', 'routing.json'), 'one');
  const store = new FileStore(folder);
  const before = (await store.head('models/routing.json'))!;
  expect(await text(store, 'models/routing.json')).toBe('one');
  await expect(store.put('models/routing.json', Buffer.from('x'), { ifMatch: 'other' })).rejects.toMatchObject({
    code: 'PRECONDITION_FAILED',
  });
  const { etag } = await store.put('models/routing.json', Buffer.from('two'), { ifMatch: before.etag });
  expect(await text(store, 'models/routing.json')).toBe('two');
  expect((await store.head('models/routing.json'))?.etag).toBe(etag);
  await expect(store.put('models/routing.json', Buffer.from('x'), { ifMatch: before.etag })).rejects.toMatchObject({
    code: 'PRECONDITION_FAILED',
  });
  expect(await readdir(join(folder, 'objects', 'models'))).toEqual(['routing.json\\revisions']);
});

it('keeps no more than the bytes that hold, however often a key is replaced, deleted and made again', async () => {
  const store = new FileStore(folder, { sync: false });
  let { etag } = await store.put('k', Buffer.from('0'));
  for (let index = 1; index <= 20; index += 1) ({ etag } = await store.put('k', Buffer.from(String(index)), { ifMatch: etag }));
  await store.put('k', Buffer.from('any'));
  expect(await text(store, 'k')).toBe('any');
  expect(await revisionsOf('k')).toHaveLength(2);
  await store.delete('k');
  expect(await store.head('k')).toBeUndefined();
  expect(await revisionsOf('k')).toHaveLength(1);
  await expect(store.put('k', Buffer.from('x'), { ifMatch: etag })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
  await store.put('k', Buffer.from('again'), { ifNoneMatch: '*' });
  await expect(store.put('k', Buffer.from('x'), { ifNoneMatch: '*' })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
  expect(await text(store, 'k')).toBe('again');
  expect(await readdir(join(folder, 'tmp'))).toEqual([]);
});

/** What a process leaves behind that was killed between two calls of the file system. */
const KILLED: Record<string, (revisions: string, plain: string) => Promise<void>> = {
  'before the folder took the plain file over': async (revisions, plain) => {
    await rm(revisions, { recursive: true });
    await mkdir(revisions);
    await writeFile(join(revisions, '0.import'), '');
    await writeFile(plain, 'value');
  },
  'with the bytes taken over and the token not moved': async (revisions, plain) => {
    await rm(revisions, { recursive: true });
    await mkdir(revisions);
    await writeFile(join(revisions, '0.import'), '');
    await writeFile(plain, 'value');
    await link(plain, join(revisions, '1~stale'));
  },
  'with the token moved and the plain file left': async (_revisions, plain) => writeFile(plain, 'stale'),
  'with new bytes and the token not moved': async (revisions) => writeFile(join(revisions, '3~rdead'), 'never'),
  'with the token moved and the old bytes left': async (revisions) => writeFile(join(revisions, '1~old'), 'old'),
};

it.each(Object.keys(KILLED))('loses nothing and blocks nobody after a kill %s', async (where) => {
  const store = new FileStore(folder, { sync: false });
  const first = await store.put('k', Buffer.from('first'));
  await store.put('k', Buffer.from('value'), { ifMatch: first.etag });
  const plain = join(folder, 'objects', 'k');
  await KILLED[where]!(`${plain}\\revisions`, plain);
  const again = new FileStore(folder, { sync: false });
  expect(await text(again, 'k')).toBe('value');
  const { etag } = (await again.head('k'))!;
  const heads = [];
  for await (const head of again.list('')) heads.push([head.key, head.etag]);
  expect(heads).toEqual([['k', etag]]);
  await again.put('k', Buffer.from('next'), { ifMatch: etag });
  await again.put('k', Buffer.from('last'), { ifMatch: (await again.head('k'))!.etag });
  expect(await text(again, 'k')).toBe('last');
  expect(await revisionsOf('k')).toHaveLength(2);
});

it('a writer that slept through other changes fails, or is redone after them: nothing comes back', async () => {
  const store = new FileStore(folder, { sync: false });
  const first = await store.put('k', Buffer.from('1'));
  const second = await store.put('k', Buffer.from('2'), { ifMatch: first.etag });
  const [token] = (await revisionsOf('k')).filter((name) => name.endsWith('.now'));
  await store.put('k', Buffer.from('3'), { ifMatch: second.etag });
  const revisions = join(folder, 'objects', 'k\\revisions');
  // The rename of a process that saw revision 2: its source is gone, for good.
  await expect(rename(join(revisions, token!), join(revisions, '3~rlate~x.now'))).rejects.toMatchObject({ code: 'ENOENT' });
  // The link or rename of a process that saw no revisions yet: readers do not see it.
  await writeFile(join(folder, 'objects', 'k'), 'stray');
  expect(await text(store, 'k')).toBe('3');
  expect((await store.head('k'))?.size).toBe(1);
  await store.delete('k');
  await expect(store.get('k')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
  await unlink(join(folder, 'objects', 'k')).catch(() => undefined);
  expect(await store.head('k')).toBeUndefined();
});

it('says what to do where the files of a key were torn apart by hand', async () => {
  const store = new FileStore(folder, { sync: false });
  const { etag } = await store.put('k', Buffer.from('1'));
  await store.put('k', Buffer.from('2'), { ifMatch: etag });
  for (const name of await revisionsOf('k')) if (name.endsWith('.now')) await unlink(join(folder, 'objects', 'k\\revisions', name));
  await expect(store.get('k')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', hint: expect.stringContaining('S3') });
});
