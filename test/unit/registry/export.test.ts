import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exportVersion } from '../../../src/registry/export.ts';
import { blobKey } from '../../../src/storage/blobs.ts';
import { sha256 } from '../../../src/storage/digest.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { scratch, workbench } from '../../contract/registry/models.ts';

it('writes the files of a version, whole and verified, into a new directory', async () => {
  const store = new MemoryStore();
  const bench = workbench(store);
  await bench.register(1);
  const version = await bench.registry.version('m', 1);
  const folder = scratch();
  const target = join(folder, 'deep', 'out');
  const result = await exportVersion(store, version, target);
  expect(result.files).toEqual(['manifest.json', 'topology.json', 'version.json', 'weights.bin']);
  expect((await readdir(target)).sort()).toEqual(result.files);
  expect(await readFile(join(target, 'weights.bin'), 'utf8')).toBe('weights 1');
  expect(JSON.parse(await readFile(join(target, 'version.json'), 'utf8'))).toEqual(version);
  await expect(exportVersion(store, version, target)).rejects.toMatchObject({ code: 'USAGE' });
  await mkdir(join(folder, 'empty'));
  await expect(exportVersion(store, version, join(folder, 'empty'))).rejects.toMatchObject({ code: 'USAGE' });
});

it('leaves no directory behind where a file is damaged', async () => {
  const store = new MemoryStore();
  const bench = workbench(store);
  await bench.register(1);
  await store.put(blobKey(sha256('weights 1')), Buffer.from('weights !'));
  const folder = scratch();
  await expect(exportVersion(store, await bench.registry.version('m', 1), join(folder, 'out'))).rejects.toMatchObject({
    code: 'BLOB_CORRUPT',
  });
  expect(await readdir(folder)).toEqual([]);
});
