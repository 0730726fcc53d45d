import { mkdtemp, readdir, rm, symlink, utimes, mkdir, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startTicksOf } from '../../../src/platform/process-info.ts';
import { withFileLock } from '../../../src/storage/file-lock.ts';
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

it('lets one in at a time', async () => {
  let inside = 0;
  let most = 0;
  await Promise.all(Array.from({ length: 20 }, () => withFileLock(join(folder, 'lock'), async () => {
    most = Math.max(most, (inside += 1));
    await new Promise((resolve) => setTimeout(resolve, 1));
    inside -= 1;
  })));
  expect(most).toBe(1);
  expect((await readdir(join(folder, 'lock'))).length).toBeLessThanOrEqual(4);
});

it.each([
  ['of a process that is gone', () => `999999999:1:${hostname()}:x`],
  ['of an earlier process with the same id', () => `${process.pid}:1:${hostname()}:x`],
])('takes over a lock %s', async (_what, holder) => {
  await mkdir(join(folder, 'lock'));
  await symlink(holder(), join(folder, 'lock', '7'));
  expect(await withFileLock(join(folder, 'lock'), async () => 'in')).toBe('in');
});

it('waits for a holder that lives, here or elsewhere', async () => {
  for (const holder of [`${process.pid}:${startTicksOf(process.pid)}:${hostname()}:x`, '1:1:another-machine:x']) {
    const lock = join(folder, holder.slice(0, 3));
    await mkdir(lock);
    await symlink(holder, join(lock, '1'));
    let entered = false;
    const waiting = withFileLock(lock, async () => {
      entered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(entered).toBe(false);
    await symlink('free', join(lock, '1.free'));
    await waiting;
    expect(entered).toBe(true);
  }
});
