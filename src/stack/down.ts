import { hostname } from 'node:os';
import { PerennialError } from '../core/errors.ts';
import { lockHolder, type LockHolder } from '../platform/lock.ts';
import { stopProcess } from '../platform/process-info.ts';
import { readableStack, removeStack, stackLock, stackProcesses, type Stack } from '../platform/stack.ts';

export interface Stopped {
  /** What was ended, e.g. "supervisor", "worker-1"; empty where nothing ran. */
  readonly stopped: readonly { readonly name: string; readonly pid: number; readonly how: 'stopped' | 'killed' }[];
}

/** The supervisor itself gives its children up to 30 s. */
const SUPERVISOR_MS_MAX = 45_000;
const LEFTOVER_MS_MAX = 10_000;

/**
 * Ends everything that `up` of this home started, and nothing else: every process is compared by id and start time before it
 * gets a signal. Works, too, where the supervisor was killed and left its children behind.
 *
 * @throws ALREADY_RUNNING where the stack runs on another machine that shares the folder.
 */
export async function stopStack(note: (text: string) => void): Promise<Stopped> {
  const holder = lockHolder(stackLock());
  const stack = readableStack();
  if (holder !== undefined && holder.host !== hostname()) throw elsewhere(holder);
  const stopped: { name: string; pid: number; how: 'stopped' | 'killed' }[] = [];
  if (holder !== undefined) {
    const how = await stopProcess(holder, SUPERVISOR_MS_MAX);
    if (how !== 'gone') {
      for (const part of stack === undefined ? [] : stackProcesses(stack)) stopped.push({ name: part.name, pid: part.pid, how: 'stopped' });
      stopped.push({ name: 'supervisor', pid: holder.pid, how });
    }
  }
  // A supervisor that ended as told has removed the file; anything still in it was left behind.
  const left = readableStack();
  if (left === undefined && lockHolder(stackLock()) === undefined) removeStack();
  if (left !== undefined && lockHolder(stackLock()) === undefined) {
    const ended = await stopLeftovers(left, note);
    stopped.push(...ended.filter((part) => !stopped.some((known) => known.pid === part.pid)));
    removeStack();
  }
  return { stopped };
}

/** Ends the children of a supervisor that was killed. */
export async function stopLeftovers(
  stack: Stack,
  note: (text: string) => void,
): Promise<{ name: string; pid: number; how: 'stopped' | 'killed' }[]> {
  const ended = await Promise.all(
    stackProcesses(stack).map(async ({ name, ...identity }) => {
      const how = await stopProcess(identity, LEFTOVER_MS_MAX, 'group');
      if (how === 'gone') return [];
      note(`Ended what was left behind: ${name} (process ${identity.pid}).`);
      return [{ name, pid: identity.pid, how }];
    }),
  );
  return ended.flat();
}

function elsewhere(holder: LockHolder): PerennialError {
  return new PerennialError(
    'ALREADY_RUNNING',
    `The stack runs on another machine: process ${holder.pid} on ${holder.host}, since ${holder.since}.`,
    {
      hint: `Run \`perennial down\` on ${holder.host}. Where that machine is gone for good, remove ${stackLock()}.`,
    },
  );
}
