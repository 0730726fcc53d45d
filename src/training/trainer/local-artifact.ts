import { readFile } from 'node:fs/promises';
import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { TrainerJob } from './protocol.ts';

/** An artifact whose files the parent process has already fetched and verified. */
export function localArtifact({ ref, manifest, paths }: TrainerJob['examples']): OpenArtifact {
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
