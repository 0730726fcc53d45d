import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isPerennialError } from '../../../src/core/errors.ts';
import { packageAbove, packageRoot } from '../../../src/platform/paths.ts';
import { tempDir } from '../../support/temp-dir.ts';

it('finds the nearest package.json, and its own', () => {
  const folder = tempDir('paths');
  const deep = join(folder, 'inner', 'deep');
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{}');
  expect(packageAbove(deep)).toBe(folder);
  writeFileSync(join(folder, 'inner', 'package.json'), '{}');
  expect(packageAbove(deep)).toBe(join(folder, 'inner'));
  expect(packageRoot()).toBe(packageAbove(import.meta.dirname));
});

it('says so outside of any package, and does not look on for ever', () => {
  let error: unknown;
  try {
    packageAbove('/perennial/is/not/here');
  } catch (problem) {
    error = problem;
  }
  expect(isPerennialError(error, 'PROVISIONING_FAILED')).toBe(true);
  expect((error as Error).message).toMatch(/no package\.json in "\/perennial\/is\/not\/here" or in a folder above it/);
});
