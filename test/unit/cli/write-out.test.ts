import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeOut } from '../../../src/cli/write-out.ts';

const folder = mkdtempSync(join(tmpdir(), 'perennial-out-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('writes a file, and says whose mistake it is where there is no such place', async () => {
  await writeOut(join(folder, 'page.html'), 'a page');
  expect(readFileSync(join(folder, 'page.html'), 'utf8')).toBe('a page');
  for (const file of [join(folder, 'nowhere', 'page.html'), folder, join(folder, 'page.html', 'x')])
    await expect(writeOut(file, 'a page')).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(file) });
});
