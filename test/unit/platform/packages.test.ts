import { copyFileSync, existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/platform/paths.ts';
import { run } from '../../support/processes.ts';
import { tempDir } from '../../support/temp-dir.ts';

/** A clone whose packages are older than its lock file, and an npm that says that it was called. */
function clone(holder: object | undefined): string {
  const root = tempDir('clone');
  for (const folder of ['scripts', 'node_modules', 'bin', '.perennial/run']) mkdirSync(join(root, folder), { recursive: true });
  copyFileSync(join(packageRoot(), 'scripts/tasks.mjs'), join(root, 'scripts/tasks.mjs'));
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(join(root, 'node_modules/.package-lock.json'), '{}');
  utimesSync(join(root, 'node_modules/.package-lock.json'), 1, 1);
  writeFileSync(join(root, 'package-lock.json'), '{}');
  writeFileSync(join(root, 'bin/npm.js'), `require('node:fs').writeFileSync(${JSON.stringify(join(root, 'installed'))}, '')`);
  if (holder !== undefined) writeFileSync(join(root, '.perennial/run/supervisor.lock'), JSON.stringify(holder));
  return root;
}

async function install(root: string): Promise<{ code: number | null; stderr: string; installed: boolean }> {
  writeFileSync(join(root, 'bin/package.json'), '{"type":"commonjs"}');
  const { code, stderr } = await run(
    process.execPath,
    ['--input-type=module', '-e', `(await import(${JSON.stringify(join(root, 'scripts/tasks.mjs'))})).installPackages()`],
    { env: { npm_execpath: join(root, 'bin/npm.js'), PERENNIAL_HOME: undefined } },
  );
  return { code, stderr, installed: existsSync(join(root, 'installed')) };
}

describe('setting up', () => {
  it('never replaces packages below a stack that is running', async () => {
    for (const holder of [
      { pid: process.pid, host: hostname(), since: '2026-01-31T10:00:00.000Z' },
      { pid: 1, host: 'elsewhere', since: '' },
    ]) {
      const answer = await install(clone(holder));
      expect(answer).toMatchObject({ code: 2, installed: false, stderr: expect.stringContaining('npx perennial down') as string });
      expect(answer.stderr).toContain(`process ${holder.pid}`);
    }
  });

  it('replaces them where none is, or one was killed', async () => {
    for (const holder of [undefined, { pid: 2 ** 22 + 1, host: hostname(), since: '' }])
      expect(await install(clone(holder))).toMatchObject({ code: 0, installed: true });
  });
});
