import { join } from 'node:path';
import { build } from 'esbuild';
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
    outfile,
    logLevel: 'warning',
  });
  return outfile;
}
