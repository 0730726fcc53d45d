import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { leaveIfEmpty, leaveWorkDir } from '../../../activities/work-dir.ts';
import { tempDir } from '../../support/temp-dir.ts';

it('leaves no empty folder of a run behind, and nothing that others work in', async () => {
  const root = tempDir('work');
  const folder = (...parts: string[]): string => {
    const path = join(root, ...parts);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'file'), 'x');
    return path;
  };
  const [first, second, other] = [folder('p', 'run1', 'train'), folder('p', 'run1', 'evaluate'), folder('p', 'run2', 'train')];
  await leaveWorkDir(first);
  expect(existsSync(second)).toBe(true);
  await Promise.all([leaveWorkDir(second), leaveWorkDir(second)]);
  expect(readdirSync(join(root, 'p'))).toEqual(['run2']);
  await leaveIfEmpty(other);
  expect(readdirSync(join(root, 'p', 'run2'))).toEqual(['train']);
  await leaveWorkDir(other);
  expect(readdirSync(root)).toEqual([]);
  mkdirSync(first, { recursive: true });
  await leaveIfEmpty(first);
  expect(readdirSync(root)).toEqual([]);
});
