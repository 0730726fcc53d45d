import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { leftWork } from '../../../src/runs/left-work.ts';
import { tempDir } from '../../support/temp-dir.ts';

const { PERENNIAL_HOME } = process.env;
afterEach(() => {
  if (PERENNIAL_HOME === undefined) delete process.env.PERENNIAL_HOME;
  else process.env.PERENNIAL_HOME = PERENNIAL_HOME;
});

it('finds work folders in which nothing was written for a week, and removes them when told', async () => {
  const home = tempDir('home');
  process.env.PERENNIAL_HOME = home;
  expect(await leftWork(true)).toEqual({ folders: [], bytes: 0, kept: 0 });
  const week = Date.now() / 1_000 - 8 * 24 * 3_600;
  for (const [run, fresh] of [
    ['old', false],
    ['young', true],
  ] as const) {
    const folder = join(home, 'work', 'p', run, 'train');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'checkpoint'), '12345');
    for (const path of [join(folder, 'checkpoint'), folder, join(folder, '..')])
      if (!fresh || path === folder) utimesSync(path, week, week);
  }
  expect(await leftWork(false)).toEqual({ folders: ['p/old'], bytes: 5, kept: 1 });
  expect(existsSync(join(home, 'work/p/old'))).toBe(true);
  await leftWork(true);
  expect([existsSync(join(home, 'work/p/old')), existsSync(join(home, 'work/p/young'))]).toEqual([false, true]);
});
