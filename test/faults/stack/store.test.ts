import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { Run, until, writeDocument, writeRows } from './running.ts';

const folder = tempDir('store-trouble');

/** A disk of its own, so that it can be filled up. Mounting needs rights that not everybody has. */
const disk = join(folder, 'disk');
mkdirSync(disk);
const mounted = process.platform === 'linux' && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk]).status === 0;
if (!mounted) console.warn('No tmpfs can be mounted here (it takes root), so the full disk is not tried.');

const store = join(disk, 'store');
const perennial = new Perennial({ PERENNIAL_STORE: `file:${store}` });

beforeAll(async () => {
  writeRows(join(folder, 'rows.csv'));
  await perennial.up();
});

afterAll(async () => {
  await perennial.run(['down']);
  if (mounted) spawnSync('umount', [disk]);
});

/** The name of such a file is all that it holds: which revision of a key counts. */
const isToken = ({ parentPath, name }: { readonly parentPath: string; readonly name: string }): boolean =>
  parentPath.endsWith('\\revisions') && /^\d+~/.test(name);

/** Every object whole: nothing left aside, no empty manifest, every blob what its name says. */
async function expectWholeStore(): Promise<void> {
  const files = readdirSync(join(store, 'objects'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(0);
  for (const entry of files)
    if (!join(entry.parentPath, entry.name).includes('/logs/') && !isToken(entry))
      expect(statSync(join(entry.parentPath, entry.name)).size, entry.name).toBeGreaterThan(0);
  const { createHash } = await import('node:crypto');
  const { readFileSync } = await import('node:fs');
  for (const entry of files.filter((one) => one.parentPath.includes('/blobs/sha256/')))
    expect(
      createHash('sha256')
        .update(readFileSync(join(entry.parentPath, entry.name)))
        .digest('hex'),
    ).toBe(entry.name);
}

describe('a store', () => {
  it('that is away for a while is waited for, and no second one is begun in its place', async () => {
    const run = await Run.start(perennial, writeDocument(folder, 'away', 60));
    await run.step('preprocess', (step) => step.status === 'completed');
    await run.step('train', (step) => (step.progress?.epoch ?? 0) >= 2);
    renameSync(store, `${store}-away`);
    const listing = await perennial.here(['models', 'list', '--json']);
    expect(listing.code).toBe(4);
    expect(listing.json().error).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining(store) as string });
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    expect(existsSync(store)).toBe(false);
    await until('status tells of it', async () =>
      (await perennial.here(['status'])).stdout.includes('the store does not answer: what is loaded stays served'),
    );
    expect(existsSync(store)).toBe(false);
    renameSync(`${store}-away`, store);
    const { report, code, stderr } = await run.end();
    expect({ status: report.status, code, version: report.version }, stderr).toEqual({ status: 'completed', code: 0, version: 1 });
    await expectWholeStore();
  });

  it.runIf(mounted)('whose disk is full says so, tears nothing, and works again once there is space', async () => {
    const file = writeDocument(folder, 'full', 5);
    const ballast = join(disk, 'ballast');
    for (let bytes = 8 << 20; bytes >= 4096; bytes = Math.floor(bytes / 2)) {
      try {
        for (let piece = 0; ; piece += 1) writeFileSync(`${ballast}-${bytes}-${piece}`, Buffer.alloc(bytes, 1));
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
      }
    }
    const failed = await perennial.run(['run', file, '--no-cache', '--json']);
    expect(failed.code, failed.stderr).toBe(1);
    expect(failed.json().failure).toMatchObject({
      code: 'STORE_FULL',
      step: 'ingest',
      message: expect.stringMatching(/no space left.*file:|file:.*no space left/i) as string,
    });
    expect(failed.stderr).not.toMatch(/^ +at /m);
    for (const name of readdirSync(disk)) if (name.startsWith('ballast')) rmSync(join(disk, name));
    await expectWholeStore();
    const done = await perennial.run(['run', file, '--no-cache', '--json']);
    expect(done.json()).toMatchObject({ status: 'completed', version: 1 });
    expect((await perennial.here(['models', 'show', 'away', '--json'])).json().versions).toHaveLength(1);
    await expectWholeStore();
  });
});
