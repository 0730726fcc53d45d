// npm run check: types, generated files, lint, layout and unused exports. `npm test` asks for the first two and the last alone.
import { spawnSync } from 'node:child_process';
import { staleGeneratedFiles, say } from './tasks.mjs';

const CACHE = 'node_modules/.cache';
/** Each with its command, by what it finds. */
const LINT = [
  ['lint', ['node_modules/.bin/eslint', '--cache', '--cache-location', `${CACHE}/eslint`, '--cache-strategy', 'content', '.']],
  ['layout (`npm run format` corrects it)', ['node_modules/.bin/prettier', '--check', '--cache', '--log-level', 'warn', '.']],
];
const UNUSED = ['unused exports', ['node_modules/.bin/knip', '--no-progress']];

/** The names of the checks that failed. @param options.lint with lint and layout, which take minutes where nothing is cached */
export function check({ lint = true } = {}) {
  const failed = [];
  say('\n▸ Checking the types');
  // Workflow code once more by itself: there Node.js has no types, so that what cannot run in the sandbox does not compile. What runs in
  // a page has the types of a browser.
  for (const project of ['.', 'workflows', 'src/targets/page/browser']) {
    if (
      spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { stdio: ['ignore', 'inherit', 'inherit'] })
        .status !== 0
    )
      failed.push(`types of ${project}`);
  }
  say('\n▸ Checking the generated files');
  const stale = staleGeneratedFiles();
  for (const path of stale) say(`  ${path} was out of date. It is written anew: commit it.`);
  if (stale.length > 0) failed.push('generated files');
  for (const [name, command] of lint ? [...LINT, UNUSED] : [UNUSED]) {
    say(`\n▸ Looking for: ${name}`);
    if (spawnSync(process.execPath, command, { stdio: ['ignore', 'inherit', 'inherit'] }).status !== 0) failed.push(name);
  }
  return failed;
}

if (process.argv[1]?.endsWith('check.mjs')) {
  const failed = check();
  if (failed.length === 0) say('  fine');
  else {
    say(`\nerror: failed: ${failed.join(', ')}`);
    process.exitCode = 1;
  }
}
