import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PerennialError } from '../core/errors.ts';

let root: string | undefined;

/** The folder of Perennial's own package.json, from source as well as from `dist`. @throws PROVISIONING_FAILED */
export function packageRoot(): string {
  return (root ??= packageAbove(dirname(fileURLToPath(import.meta.url))));
}

/** The nearest folder with a package.json, `folder` itself or above it. @throws PROVISIONING_FAILED */
export function packageAbove(folder: string): string {
  for (let above = folder; ; above = dirname(above)) {
    if (existsSync(join(above, 'package.json'))) return above;
    if (above === dirname(above)) {
      throw new PerennialError(
        'PROVISIONING_FAILED',
        `There is no package.json in "${folder}" or in a folder above it, so Perennial cannot find its own files.`,
        { hint: 'Run Perennial where it is installed: a file of "dist" that is copied elsewhere has nothing beside it.' },
      );
    }
  }
}

/** State of this installation: stack, store, logs, work folders. `PERENNIAL_HOME`, default `.perennial` in the package's folder. */
export function perennialHome(): string {
  return resolve(process.env.PERENNIAL_HOME ?? join(packageRoot(), '.perennial'));
}

/** What is provisioned once and can be shared between homes. `PERENNIAL_TOOLS`, default `tools` in the home. */
export function toolsDir(): string {
  return resolve(process.env.PERENNIAL_TOOLS ?? join(perennialHome(), 'tools'));
}

/** A built entry point, for processes that are forked: "cli", "worker", "server", "supervisor", "trainer". */
export function entryPoint(name: string): string {
  return join(packageRoot(), 'dist', `${name}.js`);
}
