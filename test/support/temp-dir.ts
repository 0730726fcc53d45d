import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

/** A fresh folder that is removed when the test file ends (clean-up.ts). */
export function tempDir(name = 'test', parent = tmpdir()): string {
  const folder = realpathSync(mkdtempSync(join(parent, `perennial-${name}-`)));
  made.push(folder);
  return folder;
}

export function removeTempDirs(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
