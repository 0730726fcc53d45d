// npm test: the same set-up as `npm run setup` and a real MinIO; then types, generated files and the whole suite. Arguments go to vitest.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildAll, installPackages, provisionTools, requireNode, root, say } from './tasks.mjs';

const FAILURE_LINES = 12;
const FAILURE_CHARACTERS = 2_000;

requireNode();
installPackages();
process.env.PERENNIAL_TOOLS ??= join(process.env.PERENNIAL_HOME ?? join(root, '.perennial'), 'tools');
buildAll();
provisionTools(['temporal', 'tensorflow', 'minio']);
const { check } = await import('./check.mjs');
const failedChecks = check({ lint: false });

say('\n▸ Running the tests');
const report = join(root, 'node_modules', '.cache', 'test-report.json');
rmSync(report, { force: true });
const args = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
];
const { status } = spawnSync(process.execPath, args, {
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, PERENNIAL_SKIP_BUILD: '1' },
});

const counts = count();
for (const name of failedChecks) say(`FAILED check: ${name}`);
const failed = counts.failed + failedChecks.length;
console.log(`${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped`);
process.exitCode = failed > 0 || counts.passed === 0 || status !== 0 ? 1 : 0;

/** Once more and in few lines: of a long log often only the end is at hand. */
function sayFailure(name, message) {
  const lines = message.split('\n').filter((line) => !/^ +at /.test(line));
  say(`FAILED ${name.replace(`${root}/`, '')}\n${lines.slice(0, FAILURE_LINES).join('\n').slice(0, FAILURE_CHARACTERS)}`);
}

function count() {
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const result = JSON.parse(readFileSync(report, 'utf8'));
  // A file that could not be loaded has no tests to count, and has failed all the same.
  const broken = result.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  );
  for (const file of broken) sayFailure(file.name, file.message);
  for (const file of result.testResults)
    for (const test of file.assertionResults)
      if (test.status === 'failed') sayFailure(`${file.name} > ${test.fullName}`, test.failureMessages.join('\n'));
  const failedTests = result.numFailedTests + broken.length;
  return {
    passed: result.numPassedTests,
    failed: failedTests === 0 && status !== 0 ? 1 : failedTests,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}
