// npm run check: the types fit, and the generated files are what `npm run gen` makes.
import { spawnSync } from 'node:child_process';
import { staleGeneratedFiles, say } from './tasks.mjs';

/** The names of the checks that failed. */
export function check() {
  const failed = [];
  say('\n▸ Checking the types');
  // Workflow code once more by itself: there Node.js has no types, so that what cannot run in the sandbox does not compile.
  for (const project of ['.', 'workflows']) {
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
