import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { bundleScript, readScript } from '../../../src/programs/script/bundle.ts';
import { packageRoot } from '../../../src/platform/paths.ts';
import { tempDir } from '../../support/temp-dir.ts';

const STEP = `import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beside } from './lib/other.ts';
const __dirname = dirname(fileURLToPath(import.meta.url));
export const found: string[] = [import.meta.url, __dirname, readFileSync(new URL('./words.txt', import.meta.url), 'utf8'), readFileSync(join(__dirname, 'words.txt'), 'utf8'), beside];
export default { async run() { return { outputs: {}, values: { found } }; } };
`;

function folderOf(step = STEP): string {
  const folder = tempDir('script');
  mkdirSync(join(folder, 'steps', 'lib'), { recursive: true });
  writeFileSync(join(folder, 'steps', 'own.ts'), step);
  writeFileSync(join(folder, 'steps', 'words.txt'), 'words beside the step');
  writeFileSync(join(folder, 'steps', 'lib', 'other.ts'), `export const beside = import.meta.url + ' ' + import.meta.dirname;`);
  writeFileSync(join(folder, 'steps', 'lib', 'old.cjs'), `'use strict';\nmodule.exports = __dirname + ' ' + __filename;`);
  return folder;
}

it('keeps the place of every module of a local step, so that it finds the files beside it', async () => {
  const folder = folderOf();
  const code = await bundleScript(folder, './steps/own.ts');
  expect(code.startsWith(packageRoot())).toBe(true);
  const { readFileSync } = await import('node:fs');
  const text = readFileSync(code, 'utf8');
  // The bundle ends by serving a parent process; what it evaluates before is what is asked for here.
  const probe = join(folder, 'probe.mjs');
  writeFileSync(
    probe,
    text.replace(/await serve\([^)]*\);/, '').replace(/\/\/# sourceMappingURL.*/, '') + '\nexport { found as probed };\n',
  );
  const { probed } = (await import(/* @vite-ignore */ pathToFileURL(probe).href)) as { probed: string[] };
  const steps = join(folder, 'steps');
  expect(probed).toEqual([
    pathToFileURL(join(steps, 'own.ts')).href,
    steps,
    'words beside the step',
    'words beside the step',
    `${pathToFileURL(join(steps, 'lib', 'other.ts')).href} ${join(steps, 'lib')}`,
  ]);
});

it('knows old modules by their place too', async () => {
  const folder = folderOf(`import place from './lib/old.cjs';\nexport const found = [place];\nexport default {};`);
  const { readFileSync } = await import('node:fs');
  expect(readFileSync(await bundleScript(folder, './steps/own.ts'), 'utf8')).toContain(`"${join(folder, 'steps', 'lib')}"`);
});

it('has one digest wherever the folder lies, and another for other code', async () => {
  const digests = await Promise.all(
    [folderOf(), folderOf(), folderOf(`${STEP}export const more = 1;`)].map(
      async (folder) => (await readScript(folder, './steps/own.ts')).digest,
    ),
  );
  expect(digests[1]).toBe(digests[0]);
  expect(digests[2]).not.toBe(digests[0]);
});
