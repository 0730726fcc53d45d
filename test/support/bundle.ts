import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { asRequired } from '../../scripts/as-required.mjs';
import { packageRoot } from '../../src/platform/paths.ts';
import { tempDir } from './temp-dir.ts';

/**
 * Bundles a few lines of TypeScript, with imports relative to the repository's root (`./src/…`), to a module that plain Node runs:
 * for tests that need the code in several processes.
 */
export async function bundleScript(source: string): Promise<string> {
  const outfile = join(tempDir('script'), 'script.mjs');
  await build({
    stdin: { contents: source, resolveDir: packageRoot(), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    plugins: [asRequired],
    outfile,
    logLevel: 'warning',
  });
  return outfile;
}

/** Bundles a module of the tests for processes of its own; below node_modules, so that packages are found from there. */
export async function bundleModule(path: string): Promise<string> {
  const cache = join(packageRoot(), 'node_modules', '.cache', 'perennial-tests');
  mkdirSync(cache, { recursive: true });
  const outfile = join(tempDir('bundle', cache), basename(path).replace(/\.ts$/, '.mjs'));
  await build({
    entryPoints: [path],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    plugins: [asRequired],
    logLevel: 'warning',
  });
  return outfile;
}
