// npm run mutate -- FILE_OR_FOLDER … [--tests FILE_OR_FOLDER …]: changes decisions of the code one by one, and says which changes no
// unit or property test notices. Without --tests every test that reaches the code is asked, which takes long for what many use.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, say } from './tasks.mjs';

const words = process.argv.slice(2);
const mark = words.includes('--tests') ? words.indexOf('--tests') : words.length;
const [places, tests] = [words.slice(0, mark), words.slice(mark + 1)];
const there = (place) => existsSync(join(root, place.replace(/:[\d:-]+$/, '')));
if (places.length === 0 || ![...places, ...tests].every(there) || (mark < words.length && tests.length === 0)) {
  say('usage: npm run mutate -- src/core/scheduler.ts (a file, a file with lines ":10-20", or a folder) [--tests test/unit/core …]');
  process.exit(2);
}
const isFolder = (place) => !/:[\d:-]+$/.test(place) && statSync(join(root, place)).isDirectory();
// Not below node_modules, which several checkouts may share.
const folder = join(root, '.stryker-tmp');
mkdirSync(folder, { recursive: true });
const config = join(folder, 'stryker.config.json');
writeFileSync(
  config,
  JSON.stringify({
    packageManager: 'npm',
    plugins: ['@stryker-mutator/vitest-runner'],
    testRunner: 'vitest',
    vitest: { configFile: 'test/mutation.config.ts', related: tests.length === 0 },
    coverageAnalysis: 'perTest',
    mutate: places.map((place) => (isFolder(place) ? `${place}/**/*.ts` : place)),
    // What a message says is not what is decided.
    mutator: { excludedMutations: ['StringLiteral'] },
    concurrency: 2,
    timeoutMS: 5_000,
    reporters: ['clear-text', 'progress'],
    clearTextReporter: { allowColor: false, reportTests: false },
    tempDirName: '.stryker-tmp',
    ignorePatterns: ['.perennial', '.git', 'pipelines/data/*/'],
    incremental: false,
    allowEmpty: false,
  }),
);
const asked = tests.map((place) => (isFolder(place) ? `${place}/**/*.test.ts` : place)).join(' ');
process.exitCode =
  spawnSync(process.execPath, ['node_modules/.bin/stryker', 'run', config], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PERENNIAL_MUTATION_TESTS: asked },
  }).status ?? 1;
