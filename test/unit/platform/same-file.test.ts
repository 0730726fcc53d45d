import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isSameFile, requireApart } from '../../../src/platform/same-file.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('same-file');
const file = (name: string): string => join(folder, name);
mkdirSync(file('inner'));
symlinkSync(file('inner'), file('link'));
for (const name of ['a', 'b', 'inner/c']) writeFileSync(file(name), name);
linkSync(file('a'), file('hard'));
symlinkSync(file('a'), file('soft'));

it.each([
  ['a', 'a', true],
  ['a', './inner/../a', true],
  ['a', 'hard', true],
  ['a', 'soft', true],
  ['inner/c', 'link/c', true],
  ['inner/new', 'link/new', true],
  ['a', 'b', false],
  ['a', 'new', false],
  ['new', 'newer', false],
])('%s and %s are one file: %s', async (one, other, same) => {
  expect(await isSameFile(file(one), file(other))).toBe(same);
  expect(await isSameFile(file(other), file(one))).toBe(same);
});

it('nothing that is read is written over', async () => {
  const named = (name: string) => ({ named: name, path: file(name) });
  await requireApart([named('new'), named('newer')], [named('a'), named('b')]);
  await expect(requireApart([named('new'), named('soft')], [named('b'), named('a')])).rejects.toMatchObject({
    code: 'USAGE',
    message: 'soft would be written over a, which is read.',
  });
  await expect(requireApart([named('inner/new'), named('link/new')], [])).rejects.toThrow('inner/new and link/new are one file.');
});

it.each([
  ['drift', 'm', '--current', 'a', '--report', 'hard'],
  ['drift', 'm', '--current', 'b', '--violations', 'b'],
  ['drift', 'm', '--current', 'b', '--violations', 'v', '--report', 'v'],
  ['simulate', 'a', '--report', 'soft'],
  ['simulate', 'b', '--table', 'a', '--report', 'a'],
])('nor by perennial %s %s %s %s %s %s', async (...args) => {
  const ran = await new Perennial({ PERENNIAL_HOME: file('home') }).run(args, { cwd: folder });
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringMatching(/would be written over|are one file/) as string]);
});
