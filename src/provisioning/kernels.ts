import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../platform/paths.ts';

/** Where the sources of our own TensorFlow operations lie. */
export const kernelSources = (): string => join(packageRoot(), 'src', 'training', 'kernels');

/** Digest of the files of a folder, for this kind of machine. @param more what else decides a build */
export function sourcesDigest(folder: string, more = ''): string {
  const hash = createHash('sha256').update(`${more}${process.platform} ${process.arch}\0`);
  for (const name of readdirSync(folder).sort())
    hash
      .update(name)
      .update('\0')
      .update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 16);
}

/**
 * The sources of our own operations and the machine's kind decide their build. @returns undefined where the sources are not installed
 */
export function kernelsKey(): string | undefined {
  const folder = kernelSources();
  return existsSync(folder) ? sourcesDigest(folder) : undefined;
}

/** Beside the addon of tfjs-node, whose library they need. A build of other sources has another name, so that it is never loaded. */
export const kernelsFile = (key: string): string =>
  join(packageRoot(), 'node_modules', '@tensorflow', 'tfjs-node', 'lib', 'napi-v8', `perennial_kernels-${key}.node`);

/** The built operations. @returns undefined where there are none: graphs are then made of the library's own alone */
export function builtKernels(): { readonly key: string; readonly path: string } | undefined {
  const key = kernelsKey();
  if (key === undefined) return undefined;
  const path = kernelsFile(key);
  return existsSync(path) ? { key, path } : undefined;
}
