import { fork } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { PerennialError, type ErrorCode } from '../core/errors.ts';
import type { LockHolder } from '../platform/lock.ts';
import { entryPoint, perennialHome } from '../platform/paths.ts';
import { logsDir, type Stack } from '../platform/stack.ts';

export interface UpOptions {
  /** True: the stack ends with the command that started it. */
  readonly foreground: boolean;
  readonly workers: number;
  /** Task queues of the workers; empty: the default one. */
  readonly queues: readonly string[];
  readonly temporalPort?: number;
  readonly uiPort?: number;
  readonly port?: number;
}

/** What the supervisor tells the command that forked it. Exactly one member is there. */
export interface SupervisorMessage {
  readonly note?: string;
  readonly ready?: Stack;
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly hint: string; readonly details: Record<string, unknown> };
}

export interface RunningSupervisor {
  readonly stack: Stack;
  /** Resolves with the exit code once the supervisor has ended; for a stack in the foreground. */
  readonly ended: Promise<number>;
  stop(): void;
}

export function alreadyRunning(holder: LockHolder): PerennialError {
  return new PerennialError(
    'ALREADY_RUNNING',
    `A stack of ${perennialHome()} is running already: process ${holder.pid} on ${holder.host}, since ${holder.since}.`,
    {
      hint: 'See it with `perennial status`, stop it with `perennial down`, or start another one with another PERENNIAL_HOME.',
      details: { pid: holder.pid, host: holder.host, since: holder.since },
    },
  );
}

/**
 * Starts the supervisor and waits until everything answers. `interrupted` lets the caller end a start that is under way.
 *
 * @throws ALREADY_RUNNING, PORT_TAKEN, PROVISIONING_FAILED, TEMPORAL_UNAVAILABLE, SERVER_UNAVAILABLE
 */
export async function startStack(options: UpOptions, note: (text: string) => void, interrupted?: AbortSignal): Promise<RunningSupervisor> {
  const entry = entryPoint('supervisor');
  for (const name of ['supervisor', 'server', 'worker']) {
    if (!existsSync(entryPoint(name)))
      throw new PerennialError('PROVISIONING_FAILED', `${entryPoint(name)} is not there: Perennial is not built.`, {
        hint: 'Run `npm run setup` in the folder of the clone.',
      });
  }
  mkdirSync(logsDir(), { recursive: true });
  const log = openSync(join(logsDir(), 'supervisor.log'), 'a');
  const child = fork(entry, [JSON.stringify(options)], { detached: true, stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  const stop = (): void => void child.kill('SIGTERM');
  const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  interrupted?.addEventListener('abort', stop, { once: true });
  const stack = await new Promise<Stack>((resolve, reject) => {
    child.on('message', (message: SupervisorMessage) => {
      if (message.note !== undefined) note(message.note);
      if (message.ready !== undefined) resolve(message.ready);
      if (message.error !== undefined)
        reject(new PerennialError(message.error.code, message.error.message, { hint: message.error.hint, details: message.error.details }));
    });
    child.once('error', reject);
    void ended.then((code) => {
      if (interrupted?.aborted === true) reject(new PerennialError('CANCELLED', 'Interrupted; what was started has been stopped.'));
      else
        reject(
          new PerennialError('SERVER_UNAVAILABLE', `The supervisor ended with code ${code} before everything was up.`, {
            hint: `See ${join(logsDir(), 'supervisor.log')}.`,
          }),
        );
    });
  });
  if (!options.foreground) child.unref();
  return { stack, ended, stop };
}
