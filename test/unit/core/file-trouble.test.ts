import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { toFailure } from '../../../activities/failures.ts';
import { reportError } from '../../../src/cli/commands/command.ts';
import type { CliIo } from '../../../src/cli/commands/command.ts';
import { fileTrouble } from '../../../src/core/file-trouble.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('trouble');
const at = (name: string): string => join(folder, name);
writeFileSync(at('file'), '');
mkdirSync(at('folder'));
symlinkSync(at('loop'), at('loop'));

const thrown = async (work: () => Promise<unknown>): Promise<unknown> =>
  work().then(
    () => undefined,
    (error: unknown) => error,
  );

it.each([
  ['a file in the way', () => mkdir(at('file')), 'is there already'],
  ['a file for a folder', () => mkdir(at('file/inner'), { recursive: true }), 'leads through a file'],
  ['a folder for a file', () => readFile(at('folder')).catch(() => open(at('folder'), 'w')), 'is a folder; a file is expected'],
  ['a name that is too long', () => open(at('x'.repeat(300)), 'w'), 'is longer than names of files may be'],
  ['a link to itself', () => readFile(at('loop')), 'is a link that leads to itself'],
])('the file system says no for %s: the path and what to do, for the command line and for a step', async (_what, work, message) => {
  const error = await thrown(work);
  expect(fileTrouble(error)).toMatchObject({ code: 'FILE_UNUSABLE', message: expect.stringContaining(message) });
  const said: string[] = [];
  const io: CliIo = { json: () => false, interactive: false, print() {}, result() {}, note: (text) => void said.push(text), exit() {} };
  reportError(error, io);
  expect(said.join('\n')).toMatch(/^error FILE_UNUSABLE: \/.*\n {2}fix: [A-Z].*\.$/);
  expect(toFailure(error)).toMatchObject({ type: 'FILE_UNUSABLE', nonRetryable: false });
});

it('other errors stay what they are', async () => {
  const address = await thrown(
    () =>
      new Promise((resolve, reject) =>
        createServer()
          .once('error', reject)
          .listen(0, '203.0.113.1', () => resolve(0)),
      ),
  );
  for (const error of [new Error('EACCES'), undefined, 'EEXIST', address, await thrown(() => readFile(at('missing')))])
    expect(fileTrouble(error)).toBeUndefined();
});

it.each([
  ['init', 'file', '--dir', folder],
  ['init', 'churn', '--dir', at('file')],
])('perennial %s %s %s …: no stack of ours, and nothing is overwritten', async (...args) => {
  const ran = await new Perennial().run(args);
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringMatching(/^error (USAGE|FILE_UNUSABLE): \//) as string]);
  expect(ran.stderr).not.toContain('    at ');
});
