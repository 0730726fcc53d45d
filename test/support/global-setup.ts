import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../../src/platform/lock.ts';
import { packageRoot } from '../../src/platform/paths.ts';

/** Whatever home a test chooses, tools come from the repository's own cache, and processes under test run the newest code. */
export default async function setup(): Promise<void> {
  const root = packageRoot();
  process.env.PERENNIAL_TOOLS ??= join(root, '.perennial', 'tools');
  // Temporal servers are written in Go, and are started by the dozen: with room for its garbage each takes a tenth less of the processor.
  process.env.GOGC ??= '400';
  delete process.env.TEMPORAL_ADDRESS;
  delete process.env.PERENNIAL_STORE;
  if (process.env.PERENNIAL_SKIP_BUILD === '1') return;
  await withLock(join(root, 'node_modules', '.cache', 'build.lock'), async () => {
    if (isUpToDate(root)) return;
    // Tests of plain functions need no build, so a broken one is told and left to the tests that start processes. `npm test` builds first
    // and stops there.
    const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    if (status !== 0) console.error('\nThe build FAILED (see above): tests that start Perennial run an older build, or none.\n');
  });
}

const SOURCES = ['src', 'activities', 'workflows', 'schemas', 'scripts', 'package-lock.json'];

function isUpToDate(root: string): boolean {
  const stamp = join(root, 'dist', 'code-digests.json');
  if (!existsSync(stamp)) return false;
  const built = statSync(stamp).mtimeMs;
  return SOURCES.every((name) => !existsSync(join(root, name)) || newest(join(root, name)) <= built);
}

function newest(path: string): number {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), stats.mtimeMs);
}
