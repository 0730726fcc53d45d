import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { bundleModule } from '../../support/bundle.ts';

export function buildRacer(): Promise<string> {
  return bundleModule(join(import.meta.dirname, 'racer.ts'));
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
