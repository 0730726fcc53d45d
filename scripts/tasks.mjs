// What setup, quickstart and test share. Only Node's own modules: it runs before `npm ci` has.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);

const NODE_MINIMUM = [20, 9];

export function say(text) {
  console.error(text);
}

/** Ends with a message and no stack trace. */
export function fail(message, code = 1) {
  say(`\nerror: ${message}`);
  process.exit(code);
}

/** Runs a program with our terminal; ends with its exit code where it fails. */
export function run(title, program, args, options = {}) {
  say(`\n▸ ${title}`);
  const started = Date.now();
  const result = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options, env: { ...process.env, ...options.env } });
  if (result.error !== undefined) fail(`${program} could not be started: ${result.error.message}`);
  if (result.signal !== null) process.exit(130);
  if (result.status !== 0) fail(`${title} failed (${[program, ...args].join(' ')} ended with code ${result.status}).`, result.status);
  say(`  done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MINIMUM[0] || (major === NODE_MINIMUM[0] && minor >= NODE_MINIMUM[1])) return;
  fail(`this is Node.js ${process.versions.node}; Perennial needs ${NODE_MINIMUM.join('.')} or later.`, 2);
}

/** Where a stack of this home runs, the process of its supervisor. What cannot be told counts as running. */
function runningStack() {
  const lock = join(process.env.PERENNIAL_HOME ?? join(root, '.perennial'), 'run', 'supervisor.lock');
  if (!existsSync(lock)) return undefined;
  let holder;
  try {
    holder = JSON.parse(readFileSync(lock, 'utf8'));
  } catch {
    return `which one, ${lock} does not say`;
  }
  if (holder.host !== hostname()) return `process ${holder.pid} on ${holder.host}`;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return undefined;
  }
  return `process ${holder.pid}, since ${holder.since}`;
}

/** Installs the packages where they are missing or older than the lock file; never below a stack that loads them as it goes. */
export function installPackages() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs) return;
  const stack = existsSync(join(root, 'node_modules')) ? runningStack() : undefined;
  if (stack !== undefined)
    fail(
      `the packages are older than package-lock.json, and a stack that uses them is running (${stack}). Stop it with \`npx perennial down\`; runs that are under way go on when it is up again. Then run this again.`,
      2,
    );
  const [program, first] =
    process.env.npm_execpath?.endsWith('.js') === true ? [process.execPath, [process.env.npm_execpath]] : ['npm', []];
  run('Installing the npm packages (npm ci)', program, [...first, 'ci', '--loglevel=error']);
}

export function buildAll() {
  run('Building', process.execPath, ['scripts/build.mjs']);
}

/** Sets up the named components; what is cached is only looked at. */
export function provisionTools(names) {
  run(`Setting up ${names.join(', ')}`, process.execPath, ['dist/provision.js', ...names]);
}

/** Digests of every generated file, by path. */
export function generatedFiles() {
  const found = {};
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (/\.generated\.\w+$/.test(entry.name) || folder.endsWith(join('schemas', 'generated')) || folder === join(root, 'docs'))
        found[relative(root, path)] = createHash('sha256').update(readFileSync(path)).digest('hex');
    }
  };
  for (const folder of ['src', 'activities', 'workflows', 'schemas', 'docs']) if (existsSync(folder)) walk(join(root, folder));
  return found;
}

/** Generates everything again and names the files that came out different from what was there. */
export function staleGeneratedFiles() {
  const before = generatedFiles();
  const result = spawnSync(process.execPath, ['scripts/gen.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.status !== 0) return ['(scripts/gen.mjs failed)'];
  const after = generatedFiles();
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((path) => before[path] !== after[path]).sort();
}
