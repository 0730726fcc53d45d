import { rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Removes the folder of a step that is done, and those of its run and pipeline where it was the last in them. */
export async function leaveWorkDir(workDir: string): Promise<void> {
  await rm(workDir, { recursive: true, force: true });
  await removeEmpty([dirname(workDir), dirname(dirname(workDir))]);
}

/** After a failure the next attempt finds what the step left; where it left nothing, neither does this. */
export async function leaveIfEmpty(workDir: string): Promise<void> {
  await removeEmpty([workDir, dirname(workDir), dirname(dirname(workDir))]);
}

async function removeEmpty(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    try {
      await rmdir(folder);
    } catch (error) {
      // Other steps still work in it, or ended at the same moment.
      if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(String((error as NodeJS.ErrnoException).code))) return;
      throw error;
    }
  }
}
