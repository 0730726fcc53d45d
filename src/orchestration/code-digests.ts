import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../platform/paths.ts';

let digests: Readonly<Record<string, string>> | undefined;

/** Digest of the code behind a step type, as the build took it; "unbuilt" where the sources run without a build. */
export function codeDigestOf(type: string): string {
  digests ??= readDigests();
  return Object.hasOwn(digests, type) ? digests[type]! : 'unbuilt';
}

function readDigests(): Readonly<Record<string, string>> {
  try {
    return JSON.parse(readFileSync(join(packageRoot(), 'dist', 'code-digests.json'), 'utf8')) as Record<string, string>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
