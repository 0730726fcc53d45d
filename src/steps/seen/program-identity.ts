import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { sha256File } from '../../storage/digest.ts';

const known = new Map<string, Promise<string>>();

/** The digest of a program; computed once as long as its file is the same. */
export async function identityOf(path: string): Promise<string> {
  const { ino, size, mtimeMs, ctimeMs } = await stat(path);
  const key = [path, ino, size, mtimeMs, ctimeMs].join(' ');
  const found = known.get(key) ?? sha256File(path);
  known.set(key, found);
  found.catch(() => known.delete(key));
  return found;
}

/**
 * What an interpreter says that it is: "3.11.2 (main, …) [GCC 12.2.0]". Asked every time, and where it will run: its library may be renewed
 * below a worker, and a folder may choose its version.
 */
export function pythonVersion(interpreter: string, cwd: string, env: Readonly<Record<string, string | undefined>>): string {
  const script = 'import sys; print(sys.version)';
  return execFileSync(interpreter, ['-I', '-S', '-c', script], { encoding: 'utf8', timeout: 20_000, cwd, env }).trim();
}
