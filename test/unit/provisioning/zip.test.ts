import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { unzip } from '../../../src/provisioning/zip.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { zip } from './make-zip.ts';

const everything = (name: string): string => name;

test('stored and deflated members come out as they went in, with their modes', async () => {
  const folder = tempDir('zip');
  const big = Buffer.alloc(3_000_000, 'abcdefg');
  writeFileSync(
    join(folder, 'a.zip'),
    zip([
      { name: 'empty.txt', data: Buffer.alloc(0) },
      { name: 'folder/', data: Buffer.alloc(0) },
      { name: 'folder/stored.bin', data: Buffer.from([0, 1, 255]), stored: true },
      { name: 'folder/big.bin', data: big },
      { name: 'tool', data: Buffer.from('#!/bin/sh\n'), mode: 0o755 },
      { name: 'left/out', data: Buffer.from('x') },
    ]),
  );
  const count = await unzip(join(folder, 'a.zip'), join(folder, 'out'), (name) => (name.startsWith('left') ? undefined : name));
  expect(count).toBe(4);
  expect(readFileSync(join(folder, 'out/folder/big.bin')).equals(big)).toBe(true);
  expect([...readFileSync(join(folder, 'out/folder/stored.bin'))]).toEqual([0, 1, 255]);
  expect(statSync(join(folder, 'out/tool')).mode & 0o777).toBe(0o755);
  expect(existsSync(join(folder, 'out/left'))).toBe(false);
});

test.each(['../evil', 'a/../../evil', '..'])('a member named %s cannot leave the folder', async (name) => {
  const folder = tempDir('zip');
  mkdirSync(join(folder, 'out'));
  writeFileSync(join(folder, 'a.zip'), zip([{ name, data: Buffer.from('x') }]));
  await expect(unzip(join(folder, 'a.zip'), join(folder, 'out'), everything)).rejects.toThrow('would leave the folder');
  expect(existsSync(join(folder, 'evil'))).toBe(false);
});

test('a file that is no archive, or is cut short, is refused', async () => {
  const folder = tempDir('zip');
  const path = join(folder, 'a.zip');
  writeFileSync(path, 'not a zip at all');
  await expect(unzip(path, join(folder, 'out'), everything)).rejects.toThrow('is not a zip archive');
  writeFileSync(path, zip([{ name: 'a', data: Buffer.from('x'.repeat(1000)) }]));
  truncateSync(path, statSync(path).size - 30);
  await expect(unzip(path, join(folder, 'out'), everything)).rejects.toThrow(/not a zip archive|cut short/);
});

test('an archive made by Python, as wheels are, is read', async () => {
  const folder = tempDir('zip');
  writeFileSync(join(folder, 'member.txt'), 'ünï');
  try {
    execFileSync('python3', ['-m', 'zipfile', '-c', 'a.zip', 'member.txt'], { cwd: folder });
  } catch {
    return; // no Python here; the tests above cover the format
  }
  expect(await unzip(join(folder, 'a.zip'), join(folder, 'out'), everything)).toBe(1);
  expect(readFileSync(join(folder, 'out/member.txt'), 'utf8')).toBe('ünï');
});
