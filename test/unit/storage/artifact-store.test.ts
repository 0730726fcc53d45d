import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ArtifactStore } from '../../../src/core/ports.ts';
import { artifactKey, createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { blobKey, corruptMarkKey } from '../../../src/storage/blobs.ts';
import { sha256 } from '../../../src/storage/digest.ts';
import { storeNow } from '../../../src/storage/store-clock.ts';
import { FaultyStore } from '../../../src/storage/faulty-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';

let folder: string;
let store: MemoryStore;
let artifacts: ArtifactStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-artifacts-'));
  store = new MemoryStore();
  artifacts = createArtifactStore(store, join(folder, 'cache'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = (text = 'hello') =>
  artifacts.write({ kind: 'data', summary: 'one file', files: { 'a/b.txt': Buffer.from(text) }, meta: { n: 1 } });
const KEY = blobKey(sha256('hello'));

it('gives equal artifacts equal digests, and writes them once', async () => {
  const counting = new FaultyStore(store);
  const over = createArtifactStore(counting, join(folder, 'cache'));
  const first = await write();
  await storeNow(counting);
  counting.calls = 0;
  const second = await over.write({ meta: { n: 1 }, files: { 'a/b.txt': Buffer.from('hello') }, summary: 'one file', kind: 'data' });
  expect(second).toEqual(first);
  // head of the blob, head of its mark, head of the manifest, its bytes (a damaged one is replaced): no put.
  expect(counting.calls).toBe(4);
});

it('opens by digest: bytes, JSON, and a read-only local copy', async () => {
  const ref = await write('{"x":[1,2]}');
  const opened = await artifacts.open(ref);
  expect(opened.ref).toEqual(ref);
  expect(await opened.json('a/b.txt')).toEqual({ x: [1, 2] });
  const path = await opened.path('a/b.txt');
  expect(await readFile(path, 'utf8')).toBe('{"x":[1,2]}');
  expect((await stat(path)).mode & 0o222).toBe(0);
  expect(await opened.path('a/b.txt')).toBe(path);
  await expect(opened.bytes('toString')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND', message: expect.stringContaining('a/b.txt') });
});

it('stores local files by streaming them', async () => {
  const path = join(folder, 'big');
  const content = Buffer.alloc(9 * 1024 * 1024, 'x');
  await writeFile(path, content);
  const ref = await artifacts.write({ kind: 'data', summary: 's', files: { big: { path } }, meta: null });
  expect((await artifacts.open(ref)).manifest.files.big).toEqual({ digest: sha256(content), size: content.length });
  await expect(
    artifacts.write({ kind: 'data', summary: 's', files: { big: { path: join(folder, 'none') } }, meta: null }),
  ).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
});

it('makes one copy for many readers at once, and leaves nothing aside', async () => {
  const ref = await write();
  const readers = Array.from({ length: 8 }, () => createArtifactStore(store, join(folder, 'cache')));
  const paths = await Promise.all(
    readers.flatMap((reader) => [reader.open(ref), reader.open(ref)]).map(async (opened) => (await opened).path('a/b.txt')),
  );
  expect(new Set(paths).size).toBe(1);
  expect(await readdir(join(paths[0]!, '..'))).toEqual([sha256('hello')]);
});

it('never hands out bytes that do not match, and a new write repairs them', async () => {
  const ref = await write();
  await store.put(KEY, Buffer.from('hellO'));
  const opened = await artifacts.open(ref);
  await expect(opened.bytes('a/b.txt')).rejects.toMatchObject({ code: 'BLOB_CORRUPT', message: expect.stringContaining(KEY) });
  await expect(opened.path('a/b.txt')).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
  expect(await store.head(corruptMarkKey(sha256('hello')))).toBeDefined();
  await write();
  expect(Buffer.from(await opened.bytes('a/b.txt')).toString()).toBe('hello');
  expect(await readFile(await opened.path('a/b.txt'), 'utf8')).toBe('hello');
  expect(await store.head(corruptMarkKey(sha256('hello')))).toBeUndefined();
});

it('notices a local copy that was changed, and fetches it anew', async () => {
  const opened = await artifacts.open(await write());
  const path = await opened.path('a/b.txt');
  await chmod(path, 0o644);
  await writeFile(path, 'HELLO');
  expect(await readFile(await opened.path('a/b.txt'), 'utf8')).toBe('hello');
  const elsewhere = createArtifactStore(store, join(folder, 'cache'));
  await chmod(path, 0o644);
  await writeFile(path, 'hullo');
  expect(await readFile(await (await elsewhere.open(opened.ref)).path('a/b.txt'), 'utf8')).toBe('hello');
});

it('survives a connection that breaks while a copy is made', async () => {
  const ref = await write();
  const faulty = new FaultyStore(store);
  const opened = await createArtifactStore(faulty, join(folder, 'other')).open(ref);
  faulty.plan = { call: faulty.calls + 1 };
  expect(await readFile(await opened.path('a/b.txt'), 'utf8')).toBe('hello');
});

it('verifies the manifest too', async () => {
  const ref = await write();
  const { body } = await store.get(artifactKey(ref.digest));
  await store.put(artifactKey(ref.digest), Buffer.from(Buffer.from(body).toString().replace('one file', 'two file')));
  await expect(artifacts.open(ref)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
  await expect(artifacts.open({ digest: '../../x' })).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
  await expect(artifacts.open({ digest: sha256('none') })).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
});

it.each(['../x', '/etc/passwd', 'a//b', 'a\\b', ''])('refuses the file name %j', async (name) => {
  await expect(artifacts.write({ kind: 'data', summary: 's', files: { [name]: Buffer.from('x') }, meta: null })).rejects.toMatchObject({
    code: 'NAME_INVALID',
  });
});

it('writes an old blob again rather than reuse what a collection may be about to delete', async () => {
  let age = 24 * 3_600_000;
  const dayAgo = new MemoryStore({ now: () => Date.now() - age });
  const over = createArtifactStore(dayAgo, join(folder, 'cache'));
  const artifact = { kind: 'data', summary: 's', files: { f: Buffer.from('old') }, meta: null } as const;
  await over.write(artifact);
  const before = (await dayAgo.head(blobKey(sha256('old'))))!.etag;
  age = 0;
  await over.write(artifact);
  expect((await dayAgo.head(blobKey(sha256('old'))))!.etag).not.toBe(before);
});

it('reuses a young blob also where the clock of the store is a day off from ours', async () => {
  const skewed = new MemoryStore({ now: () => Date.now() - 24 * 3_600_000 });
  const over = createArtifactStore(skewed, join(folder, 'cache'));
  const artifact = { kind: 'data', summary: 's', files: { f: Buffer.from('young') }, meta: null } as const;
  await over.write(artifact);
  const before = (await skewed.head(blobKey(sha256('young'))))!.etag;
  await over.write(artifact);
  expect((await skewed.head(blobKey(sha256('young'))))!.etag).toBe(before);
});
