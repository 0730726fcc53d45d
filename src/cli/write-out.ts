import { writeFile } from 'node:fs/promises';
import { PerennialError, messageOf } from '../core/errors.ts';

/** Writes a file that somebody named. @throws USAGE where it cannot be written there */
export async function writeOut(file: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(file, content);
  } catch (error) {
    throw new PerennialError('USAGE', `${file} cannot be written: ${messageOf(error)}.`, {
      hint: 'Name a file in a folder that exists and that you may write to.',
      cause: error,
    });
  }
}
