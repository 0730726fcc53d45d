import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { perennialHome } from '../platform/paths.ts';

export interface LeftWork {
  /** `<pipeline>/<run>` of what is, or would be, removed. */
  readonly folders: readonly string[];
  readonly bytes: number;
  readonly kept: number;
}

/** A failed step keeps its folder for the next attempt. Nobody tries again after so long, and whoever works writes now and then. */
const LEFT_MS = 7 * 24 * 3_600_000;

/** Work folders of runs of this home in which nothing was written for a week. */
export async function leftWork(remove: boolean, leftMs = LEFT_MS): Promise<LeftWork> {
  const root = join(perennialHome(), 'work');
  const folders: string[] = [];
  let bytes = 0;
  let kept = 0;
  for (const pipeline of await namesIn(root)) {
    for (const run of await namesIn(join(root, pipeline))) {
      const facts = await factsOf(join(root, pipeline, run));
      if (Date.now() - facts.newest < leftMs) {
        kept += 1;
        continue;
      }
      folders.push(`${pipeline}/${run}`);
      bytes += facts.bytes;
      if (remove) await rm(join(root, pipeline, run), { recursive: true, force: true });
    }
  }
  return { folders, bytes, kept };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return [];
    throw error;
  }
}

async function factsOf(path: string): Promise<{ readonly newest: number; readonly bytes: number }> {
  // A step that ends meanwhile takes its folder away.
  const own = await lstat(path).catch(() => undefined);
  if (own === undefined) return { newest: Date.now(), bytes: 0 };
  let newest = own.mtimeMs;
  let bytes = own.isFile() ? own.size : 0;
  for (const name of own.isDirectory() ? await namesIn(path) : []) {
    const below = await factsOf(join(path, name));
    newest = Math.max(newest, below.newest);
    bytes += below.bytes;
  }
  return { newest, bytes };
}
