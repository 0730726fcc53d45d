import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

let root: string | undefined;

/** The folder of Perennial's own package.json, from source as well as from `dist`. */
export function packageRoot(): string {
  if (root === undefined) {
    let folder = dirname(fileURLToPath(import.meta.url));
    while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
    root = folder;
  }
  return root;
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
