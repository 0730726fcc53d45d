// Runs a benchmark written in TypeScript: `node bench/run.mjs orchestration`. Prints one JSON document.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const name = process.argv[2] ?? 'orchestration';
// Inside the package, so that other packages and the built files are found from there, also where node_modules is a link.
const folder = join(root, 'dist', 'bench');
mkdirSync(folder, { recursive: true });
const outfile = join(folder, `${name}.mjs`);
await build({
  entryPoints: [join(root, 'bench', `${name}.ts`)],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
});
// Benches take down what they started, and remove what they wrote, when they end; one that is stopped ends here.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    const home = process.env.PERENNIAL_HOME;
    if (home?.startsWith(`${tmpdir()}${sep}perennial-bench-`)) {
      spawnSync(process.execPath, [join(root, 'bin/perennial.js'), 'down']);
      rmSync(join(tmpdir(), relative(tmpdir(), home).split(sep)[0]), { recursive: true, force: true, maxRetries: 5 });
    }
    process.exit(130);
  });
await import(pathToFileURL(outfile).href);
