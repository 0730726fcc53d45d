import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ArtifactManifest } from '../core/artifact.ts';
import { PerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { readManifest } from '../storage/artifact-store.ts';
import { copyBlob } from '../storage/blobs.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { checkKey } from '../storage/keys.ts';
import type { VersionExport, VersionManifest } from './types.ts';

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
  const manifest = await readManifest(store, version.model.digest);
  const names = Object.keys(manifest.files).sort();
  for (const name of names) checkFileName(name);
  return writeFolder(directory, async (aside) => {
    const bytes = await copyFiles(store, manifest, names, aside);
    await writeFile(join(aside, 'version.json'), `${JSON.stringify(version, null, 2)}\n`);
    await writeFile(join(aside, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    return { files: [...names, 'manifest.json', 'version.json'].sort(), bytes };
  });
}

/**
 * Copies an export that a version has, verified, into a new directory; under the folders that its format prescribes.
 *
 * @throws USAGE where the directory exists; BLOB_CORRUPT, STORE_FULL
 */
export async function writeStoredExport(store: ObjectStore, stored: VersionExport, directory: string): Promise<ExportResult> {
  const manifest = await readManifest(store, stored.artifact.digest);
  const names = Object.keys(manifest.files).sort();
  for (const name of names) checkKey(name, 'name of a file in the export');
  return writeFolder(directory, async (aside) => {
    const bytes = await copyFiles(store, manifest, names, join(aside, stored.folder));
    return { files: names.map((name) => join(stored.folder, name)), bytes };
  });
}

/** A directory that appears whole or not at all. @throws USAGE where it exists */
export async function writeFolder(
  directory: string,
  write: (aside: string) => Promise<Omit<ExportResult, 'directory'>>,
): Promise<ExportResult> {
  const target = resolve(directory);
  await checkAbsent(target);
  const aside = join(dirname(target), `.${basename(target)}.${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(aside, { recursive: true });
    const written = await write(aside);
    await checkAbsent(target);
    await rename(aside, target);
    return { directory: target, ...written };
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** @returns their bytes */
async function copyFiles(store: ObjectStore, manifest: ArtifactManifest, names: readonly string[], folder: string): Promise<number> {
  await mapLimited(names, 4, async (name) => {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await copyBlob(store, manifest.files[name]!.digest, join(folder, name));
    // Copies are read-only in our cache; these belong to the one who exported them.
    await chmod(join(folder, name), 0o644);
  });
  return names.reduce((sum, name) => sum + manifest.files[name]!.size, 0);
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
  if (there)
    throw new PerennialError('USAGE', `${target} exists already; an export writes into a new directory.`, {
      hint: 'Give the path of a directory that does not exist yet.',
    });
}
