// Bundles the entry points into dist/ (packages stay external), digests the code behind every step, and pre-builds the workflow bundle.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { asRequired } from './as-required.mjs';
import { pageScript } from './page-bundle.mjs';
import { workflowBundles } from './workflow-bundles.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
process.on('uncaughtException', (error) => {
  if (error.errors === undefined) console.error(error); // esbuild has printed its own
  process.exit(1);
});
const dist = join(root, 'dist');
const candidates = {
  cli: 'src/cli/main.ts',
  'command-line': 'src/cli/command-line.ts',
  worker: 'src/worker/main.ts',
  server: 'src/server/main.ts',
  supervisor: 'src/stack/main.ts',
  provision: 'src/provisioning/main.ts',
  simulated: 'src/simulation/members/main.ts',
  trainer: 'src/training/trainer/main.ts',
  scorer: 'src/scoring/main.ts',
  predictor: 'src/serving/apart/main.ts',
  'hdf5-reader': 'src/training/imports/hdf5-reader.ts',
  neighbours: 'src/data/neighbours/neighbours-thread.ts',
  joint: 'src/monitoring/joint/joint-thread.ts',
  'expected-error': 'src/monitoring/feedback/expected-error-thread.ts',
  preprocessing: 'src/data/preprocess/preprocess-thread.ts',
  'plain-rows': 'src/data/reading/plain-thread.ts',
};
const entryPoints = Object.fromEntries(Object.entries(candidates).filter(([, path]) => existsSync(path)));
const steps = existsSync('activities/steps') ? readdirSync('activities/steps').filter((name) => name.endsWith('.step.ts')) : [];

// Files appear whole and old chunks stay for a day, so that a stack that runs while this builds still finds what it loads later.
const KEEP_MS = 24 * 60 * 60_000;
const write = (name, contents) => {
  const path = join(dist, name);
  writeFileSync(`${path}.${process.pid}`, contents);
  renameSync(`${path}.${process.pid}`, path);
};

mkdirSync(join(dist, 'chunks'), { recursive: true });
const common = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
};

const { outputFiles } = await build({
  ...common,
  plugins: [asRequired],
  entryPoints,
  outdir: dist,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  write: false,
});
const isChunk = (file) => file.path.includes(`${join(dist, 'chunks')}`);
for (const file of outputFiles.sort((a, b) => Number(isChunk(b)) - Number(isChunk(a)))) write(relative(dist, file.path), file.contents);
const current = new Set(outputFiles.map((file) => file.path));
for (const name of readdirSync(dist, { recursive: true })) {
  const path = join(dist, name);
  if (current.has(path) || !/\.js(\.map)?(\.\d+)?$/.test(name)) continue;
  if (!isChunk({ path }) || Date.now() - statSync(path).mtimeMs > KEEP_MS) rmSync(path);
}

write('page-script', await pageScript(root));

// The code of a step is all sources that can reach it, those of the processes that it starts (`entryPoint('…')`) included: a changed
// helper makes a cache miss. Of the packages that it imports the names are kept: their versions are read when a step runs.
const packageOf = (path) =>
  path
    .split('/')
    .slice(0, path.startsWith('@') ? 2 : 1)
    .join('/');
const sourcesOf = async (entry, found = { files: new Set(), packages: new Set() }) => {
  const { metafile } = await build({
    ...common,
    entryPoints: [entry],
    write: false,
    metafile: true,
    sourcemap: false,
    outdir: dist,
    splitting: true,
  });
  for (const [file, { imports }] of Object.entries(metafile.inputs)) {
    if (found.files.has(file)) continue;
    found.files.add(file);
    for (const { path, external } of imports) if (external && !isBuiltin(path)) found.packages.add(packageOf(path));
    const text = readFileSync(file, 'utf8');
    for (const [, name] of text.matchAll(/\brequire\('([^'.][^']*)'\)/g)) if (!isBuiltin(name)) found.packages.add(packageOf(name));
    // A source that is bundled later, named by its path.
    for (const [, words] of text.matchAll(/\bpackageRoot\(\), ((?:'[^']+'(?:, )?)+)\)/g)) {
      const path = words.replaceAll("'", '').split(', ').join('/');
      if (path.endsWith('.ts') && existsSync(path) && !found.files.has(path)) await sourcesOf(path, found);
    }
    for (const [, name] of text.matchAll(/(?:\bentryPoint\(|\bentry: )'([\w-]+)'/g))
      if (candidates[name] !== undefined && !found.files.has(candidates[name])) await sourcesOf(candidates[name], found);
  }
  return found;
};
const digests = {};
for (const name of steps) {
  const { files, packages } = await sourcesOf(join('activities/steps', name));
  const hash = createHash('sha256');
  for (const file of [...files].sort()) hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  digests[name.replace(/\.step\.ts$/, '')] = { code: hash.digest('hex').slice(0, 16), packages: [...packages].sort() };
}

// The workflow bundles take seconds, so they are made again only when a source that can reach it changed.
if (existsSync('workflows/index.ts')) {
  const { metafile } = await build({
    ...common,
    entryPoints: ['workflows/index.ts', 'workflows/telemetry.ts'],
    write: false,
    metafile: true,
    sourcemap: false,
    outdir: dist,
  });
  const hash = createHash('sha256');
  for (const name of ['@temporalio/workflow', '@temporalio/interceptors-opentelemetry'])
    hash.update(readFileSync(`node_modules/${name}/package.json`));
  for (const file of Object.keys(metafile.inputs).sort()) hash.update(file).update('\0').update(readFileSync(file));
  const stamp = hash.digest('hex');
  const stampFile = join(dist, 'workflow-bundle.stamp');
  const bundles = Object.entries(workflowBundles(root));
  if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp || bundles.some(([name]) => !existsSync(join(dist, name)))) {
    const { bundleWorkflowCode } = await import('@temporalio/worker');
    const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error };
    for (const [name, workflowInterceptorModules] of bundles) {
      const { code } = await bundleWorkflowCode({
        workflowsPath: join(root, 'workflows/index.ts'),
        workflowInterceptorModules,
        logger: quiet,
      });
      write(name, code);
    }
    write('workflow-bundle.stamp', stamp);
  }
}
write('code-digests.json', JSON.stringify(digests, null, 2)); // last: its time says when the build was done
