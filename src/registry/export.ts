import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { PerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { readManifest } from '../storage/artifact-store.ts';
import { copyBlob } from '../storage/blobs.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { checkKey } from '../storage/keys.ts';
import type { VersionManifest } from './types.ts';

export interface ExportResult {
  readonly directory: string;
  /** Relative paths, sorted. */
  readonly files: readonly string[];
  readonly bytes: number;
}

/**
 * Copies the files of a version's model, verified, into a new directory, with `version.json` (the registry's manifest) and
 * `manifest.json` (digests of the files) beside them. The directory appears whole or not at all.
 *
 * @throws USAGE where the directory exists; BLOB_CORRUPT, STORE_FULL
 */
export async function exportVersion(store: ObjectStore, version: VersionManifest, directory: string): Promise<ExportResult> {
  const target = resolve(directory);
  await checkAbsent(target);
  const manifest = await readManifest(store, version.model.digest);
  const names = Object.keys(manifest.files).sort();
  for (const name of names) checkFileName(name);
  const aside = join(dirname(target), `.${basename(target)}.${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(aside, { recursive: true });
    await mapLimited(names, 4, async (name) => {
      await copyBlob(store, manifest.files[name]!.digest, join(aside, name));
      // Copies are read-only in our cache; these belong to the one who exported them.
      await chmod(join(aside, name), 0o644);
    });
    await writeFile(join(aside, 'version.json'), `${JSON.stringify(version, null, 2)}\n`);
    await writeFile(join(aside, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    await checkAbsent(target);
    await rename(aside, target);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  const bytes = names.reduce((sum, name) => sum + manifest.files[name]!.size, 0);
  return { directory: target, files: [...names, 'manifest.json', 'version.json'].sort(), bytes };
}

function checkFileName(name: string): void {
  checkKey(name, 'name of a file in the model');
  if (name === 'version.json' || name === 'manifest.json') {
    throw new PerennialError('INTERNAL', `The model has a file "${name}", which an export writes itself.`);
  }
}

async function checkAbsent(target: string): Promise<void> {
  const there = await lstat(target).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  if (there) throw new PerennialError('USAGE', `${target} exists already; an export writes into a new directory.`, { hint: 'Give the path of a directory that does not exist yet.' });
}
