import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { packageRoot } from '../../../src/platform/paths.ts';

/** Bundled below node_modules, so that packages are found. */
export async function buildRacer(): Promise<string> {
  const folder = join(packageRoot(), 'node_modules', '.cache', 'perennial-tests', String(process.pid));
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, 'racer.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'racer.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    outfile,
    logLevel: 'warning',
  });
  return outfile;
}

export async function startRacer(script: string, number: number, models: number, environment: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = fork(script, [String(number), String(models)], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [],
  });
  await once(child, 'message');
  return child;
}

export interface RaceResult {
  readonly versions: readonly number[];
  readonly shared: number;
  readonly error?: string;
}

/** Lets it run, and gives what it answers; undefined where it was killed. */
export async function release(child: ChildProcess): Promise<RaceResult | undefined> {
  const answer = new Promise<RaceResult | undefined>((resolve) => {
    child.once('message', (message) => resolve(message as RaceResult));
    child.once('exit', () => resolve(undefined));
  });
  child.send('go');
  return answer;
}
