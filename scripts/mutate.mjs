// npm run mutate -- FILE_OR_FOLDER …: changes decisions of the code one by one, and says which changes no unit or property test notices.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, say } from './tasks.mjs';

const places = process.argv.slice(2);
if (places.length === 0 || places.some((place) => !existsSync(join(root, place.replace(/:[\d:-]+$/, ''))))) {
  say('usage: npm run mutate -- src/core/scheduler.ts (a file, a file with lines ":10-20", or a folder, each below the repository)');
  process.exit(2);
}
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
    vitest: { configFile: 'test/mutation.config.ts', related: true },
    coverageAnalysis: 'perTest',
    mutate: places.map((place) => (/:[\d:-]+$/.test(place) || statSync(join(root, place)).isFile() ? place : `${place}/**/*.ts`)),
    // What a message says is not what is decided.
    mutator: { excludedMutations: ['StringLiteral'] },
    concurrency: 2,
    timeoutMS: 10_000,
    reporters: ['clear-text', 'progress'],
    clearTextReporter: { allowColor: false, reportTests: false },
    tempDirName: '.stryker-tmp',
    ignorePatterns: ['.perennial', '.git', 'pipelines/data/*/'],
    incremental: false,
    allowEmpty: false,
  }),
);
process.exitCode = spawnSync(process.execPath, ['node_modules/.bin/stryker', 'run', config], { cwd: root, stdio: 'inherit' }).status ?? 1;
