import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { entryPoint } from '../../../src/platform/paths.ts';

export interface ServerProcess {
  readonly url: string;
  readonly child: ChildProcess;
  readonly log: () => string;
  /** SIGTERM; gives the exit code. */
  stop(): Promise<number | null>;
}

/** The server as `up` starts it, on a free port. */
export async function startServerProcess(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = ['--port', '0'],
): Promise<ServerProcess> {
  const child = fork(entryPoint('server'), [...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, PERENNIAL_SUPERVISED: '1', ...env },
  });
  let log = '';
  child.stderr!.on('data', (bytes: Buffer) => {
    log += bytes.toString();
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const message = await Promise.race([
    once(child, 'message') as Promise<[{ ready: boolean; url: string }]>,
    ended.then(([code]) => {
      throw new Error(`the server ended with ${code}: ${log}`);
    }),
  ]);
  return {
    url: message[0].url,
    child,
    log: () => log,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      return (await ended)[0];
    },
  };
}
