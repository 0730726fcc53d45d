import { readFile } from 'node:fs/promises';
import type { ArtifactManifest, ArtifactRef } from '../../core/artifact.ts';
import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';

/** An artifact as another process reads it. */
export interface LocalFiles {
  readonly ref: ArtifactRef;
  readonly manifest: ArtifactManifest;
  /** File of the artifact → verified local copy. */
  readonly paths: Readonly<Record<string, string>>;
}

/** Copies of all files on this machine. @throws BLOB_CORRUPT, STORE_UNAVAILABLE */
export async function localFiles(artifact: OpenArtifact): Promise<LocalFiles> {
  const names = Object.keys(artifact.manifest.files);
  const paths = await Promise.all(names.map(async (name) => [name, await artifact.path(name)] as const));
  return { ref: artifact.ref, manifest: artifact.manifest, paths: Object.fromEntries(paths) };
}

/** An artifact whose files the parent process has already fetched and verified. */
export function localArtifact({ ref, manifest, paths }: LocalFiles): OpenArtifact {
  const path = (file: string): string => {
    const found = Object.hasOwn(paths, file) ? paths[file] : undefined;
    if (found === undefined)
      throw new PerennialError('OBJECT_NOT_FOUND', `The ${manifest.kind} ${ref.digest.slice(0, 12)} has no file "${file}".`);
    return found;
  };
  return {
    ref,
    manifest,
    path: async (file) => path(file),
    bytes: (file) => readFile(path(file)),
    json: async <T>(file: string) => JSON.parse(await readFile(path(file), 'utf8')) as T,
  };
}
