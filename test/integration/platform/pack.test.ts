import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../../src/platform/paths.ts';
import { tempDir } from '../../support/temp-dir.ts';

const root = packageRoot();
let folder: string;
let files: readonly string[];

/** As `npm install` of the tarball puts it, but for the dependencies: those are the ones of this checkout. */
beforeAll(() => {
  folder = tempDir('pack');
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--offline', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 * 2 ** 20,
    }),
  ) as [{ filename: string; files: { path: string }[] }];
  files = packed.files.map(({ path }) => path);
  const installed = join(folder, 'node_modules', 'perennial');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['xzf', join(folder, packed.filename), '--strip-components=1', '-C', installed]);
  symlinkSync(join(root, 'node_modules'), join(installed, 'node_modules'));
});

function perennial(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { bin } = JSON.parse(readFileSync(join(folder, 'node_modules/perennial/package.json'), 'utf8')) as { bin: { perennial: string } };
  return spawnSync(process.execPath, [join(folder, 'node_modules/perennial', bin.perennial), ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PERENNIAL_HOME: join(folder, 'home') },
  });
}

test('holds what runs and what is read, and nothing else', () => {
  for (const file of [
    'bin/perennial.js',
    'dist/cli.js',
    'dist/worker.js',
    'dist/trainer.js',
    'dist/workflow-bundle.cjs',
    'src/core/step.ts',
    'src/programs/script/child.ts',
    'src/training/graph/op-outputs.json',
    'schemas/generated/pipeline.schema.json',
    'pipelines/penguins.json',
    'pipelines/data/penguins.csv',
    'docs/reference.md',
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
  ])
    expect(files).toContain(file);
  expect(files.filter((file) => /^(test|bench|\.ci|\.github|node_modules|\.perennial)\//.test(file))).toEqual([]);
  // Fetched samples are many megabytes.
  expect(files.filter((file) => file.startsWith('pipelines/data/') && !file.startsWith('pipelines/data/penguins'))).toEqual([]);
});

test('says its version, and checks documents', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  expect(perennial('--version').stdout.trim()).toBe(version);
  expect(perennial('validate', 'node_modules/perennial/pipelines/penguins.json')).toMatchObject({ status: 0 });
  const { status, stderr, stdout } = perennial('validate', 'nothing.json');
  expect([status, `${stdout}${stderr}`]).toEqual([2, expect.stringContaining('nothing.json')]);
});

test('knows steps that a user writes against perennial/step', () => {
  writeFileSync(
    join(folder, 'note.ts'),
    `import { defineStep } from 'perennial/step';
export default defineStep({
  type: 'note', version: 1, summary: 'Notes.', configSchema: { type: 'object', additionalProperties: false, properties: {} },
  inputs: {}, outputs: {}, timeouts: { startToCloseMs: 60_000, heartbeatMs: 15_000 },
  retry: { maximumAttempts: 1, initialIntervalMs: 1_000, backoffCoefficient: 2, maximumIntervalMs: 30_000 },
  cacheable: false, examples: [], run: async () => ({ outputs: {} }),
});
`,
  );
  writeFileSync(join(folder, 'own.json'), JSON.stringify({ apiVersion: 'perennial/v1', name: 'own', steps: [{ uses: './note.ts' }] }));
  expect(perennial('validate', 'own.json')).toMatchObject({ status: 0, stdout: expect.stringContaining('own.json') as string });
});
