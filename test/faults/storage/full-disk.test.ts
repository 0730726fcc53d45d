import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'perennial-full-'));
/** A disk of one mebibyte; making one takes the right to mount. */
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0;

afterAll(() => {
  if (mounted) execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
});

it.skipIf(!mounted)('a full disk is STORE_FULL, loses nothing and leaves nothing aside (needs the right to mount)', async () => {
  const store = new FileStore(join(folder, 'store'));
  await store.put('kept', Buffer.alloc(400_000, 'a'));
  await expect(store.put('kept', Buffer.alloc(900_000, 'b'))).rejects.toMatchObject({ code: 'STORE_FULL', retryable: true });
  await expect(store.put('other', Buffer.alloc(900_000, 'b'), { ifNoneMatch: '*' })).rejects.toMatchObject({ code: 'STORE_FULL' });
  expect((await store.get('kept')).body.length).toBe(400_000);
  expect(await store.head('other')).toBeUndefined();
  await store.put('other', Buffer.alloc(400_000, 'c'));

  const memory = new MemoryStore();
  const artifacts = createArtifactStore(memory, join(folder, 'cache'));
  const ref = await artifacts.write({ kind: 'data', summary: 's', files: { big: Buffer.alloc(900_000) }, meta: null });
  const opened = await artifacts.open(ref);
  await expect(opened.path('big')).rejects.toMatchObject({ code: 'STORE_FULL', hint: expect.stringContaining('PERENNIAL_HOME') });
  await store.delete('kept');
  await store.delete('other');
  expect(await opened.path('big')).toContain(folder);
});
