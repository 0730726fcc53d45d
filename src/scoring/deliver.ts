import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ScoreResult } from './score-task.ts';
import type { ScoredFiles } from './score.ts';
import { cannotWrite } from './work-folder.ts';

/** Where the rows that were set aside are written unless a place is named: beside the answers. */
export const asideBeside = (out: string): string => `${out}.aside.ndjson`;

/** The folder of a scoring into this file: beside it, so that the answers get there by a change of name. */
export const workBeside = (out: string): string => `${resolve(out)}.scoring`;

/**
 * Brings answers to their places, each file at once: whoever looks sees the old file or the new one. The rows that were set aside come
 * first, so that nobody finds answers without them; those of an earlier scoring go.
 *
 * @throws USAGE, STORE_FULL where the place cannot be written
 */
export async function deliver({ answers, aside, result }: ScoredFiles, out: string, asideOut = asideBeside(out)): Promise<ScoreResult> {
  const { columns, digest, ...rest } = result;
  const { size } = await stat(answers);
  if (aside === undefined) await rm(asideOut, { force: true });
  else await putWhole(aside, asideOut);
  await putWhole(answers, out);
  return { ...rest, output: { path: out, digest, size, columns }, ...(aside === undefined ? {} : { asidePath: asideOut }) };
}

/** @throws USAGE, STORE_FULL */
export async function putWhole(from: string, to: string): Promise<void> {
  const path = resolve(to);
  try {
    await mkdir(dirname(path), { recursive: true });
    try {
      await rename(from, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
      await copyFile(from, `${path}.part`);
      await rename(`${path}.part`, path);
    }
  } catch (error) {
    await rm(`${path}.part`, { force: true }).catch(() => undefined);
    throw cannotWrite(to, error);
  }
}
