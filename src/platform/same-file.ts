import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { PerennialError } from '../core/errors.ts';

/** A path that somebody named, and how: "--out answers.csv". */
export interface NamedPath {
  readonly named: string;
  readonly path: string;
}

/** Whether two paths lead to one file, by whatever links; also where there is none yet. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one).catch(() => undefined), stat(other).catch(() => undefined)]);
  if (a !== undefined && b !== undefined) return a.dev === b.dev && a.ino === b.ino;
  return a === undefined && b === undefined && (await placeOf(one)) === (await placeOf(other));
}

async function placeOf(path: string): Promise<string> {
  const full = resolve(path);
  return join(await realpath(dirname(full)).catch(() => dirname(full)), basename(full));
}

/**
 * Nothing that is read is written over, and no two outputs lie in one file.
 *
 * @throws USAGE naming both
 */
export async function requireApart(outputs: readonly NamedPath[], inputs: readonly NamedPath[]): Promise<void> {
  for (const [at, output] of outputs.entries()) {
    for (const input of inputs)
      if (await isSameFile(output.path, input.path))
        throw new PerennialError('USAGE', `${output.named} would be written over ${input.named}, which is read.`, {
          hint: 'Name another file for what is written.',
        });
    for (const other of outputs.slice(0, at))
      if (await isSameFile(output.path, other.path))
        throw new PerennialError('USAGE', `${other.named} and ${output.named} are one file.`, { hint: 'Name one file for each.' });
  }
}
