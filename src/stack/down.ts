import { hostname } from 'node:os';
import { PerennialError, messageOf } from '../core/errors.ts';
import { lockHolder, type LockHolder } from '../platform/lock.ts';
import { perennialHome } from '../platform/paths.ts';
import { openersOf } from '../platform/ports.ts';
import { isRunning, stopProcess } from '../platform/process-info.ts';
import { readableStack, removeStack, stackLock } from '../platform/stack.ts';
import { forgetEnded, livingProcesses, temporalDatabase, type StackProcess } from '../platform/stack-processes.ts';

export interface Stopped {
  /** What was ended, e.g. "supervisor", "worker-1"; empty where nothing ran. */
  readonly stopped: readonly { readonly name: string; readonly pid: number; readonly how: 'stopped' | 'killed' }[];
}

/** The supervisor itself gives its children up to 30 s. */
const SUPERVISOR_MS_MAX = 45_000;
const LEFTOVER_MS_MAX = 10_000;

/**
 * Ends everything that `up` of this home started, and nothing else: every process is compared by id and start time before it
 * gets a signal. Works, too, where the supervisor was killed and left its children behind, whatever became of stack.json.
 *
 * @throws ALREADY_RUNNING where the stack runs on another machine that shares the folder, or a process cannot be ended.
 */
export async function stopStack(note: (text: string) => void): Promise<Stopped> {
  const holder = lockHolder(stackLock());
  if (holder !== undefined && holder.host !== hostname()) throw elsewhere(holder);
  const stopped: { name: string; pid: number; how: 'stopped' | 'killed' }[] = [];
  if (holder !== undefined) {
    const living = livingProcesses(readableStack());
    const how = await stopProcess(holder, SUPERVISOR_MS_MAX);
    if (how !== 'gone') {
      for (const { name, pid } of living) stopped.push({ name, pid, how: 'stopped' });
      stopped.push({ name: 'supervisor', pid: holder.pid, how });
    }
  }
  // A supervisor that ended as told has ended the others before; anything that lives was left behind.
  if (lockHolder(stackLock()) === undefined) {
    const ended = await stopLeftovers(livingProcesses(readableStack()), note);
    stopped.push(...ended.filter((part) => !stopped.some((known) => known.pid === part.pid)));
    removeStack();
  }
  return { stopped };
}

/**
 * Ends the children of a supervisor that was killed.
 *
 * @throws ALREADY_RUNNING naming those that cannot be ended; the others have ended by then
 */
export async function stopLeftovers(
  living: readonly StackProcess[],
  note: (text: string) => void,
): Promise<{ name: string; pid: number; how: 'stopped' | 'killed' }[]> {
  const problems = new Map<number, string>();
  const ended = await Promise.all(
    living.map(async ({ name, ...identity }) => {
      const how = await stopProcess(identity, LEFTOVER_MS_MAX, 'group').catch((error: unknown) => {
        problems.set(identity.pid, messageOf(error)); // such as another user's
        return 'gone' as const;
      });
      if (how === 'gone') return [];
      note(`Ended what was left behind: ${name} (process ${identity.pid}).`);
      return [{ name, pid: identity.pid, how }];
    }),
  );
  forgetEnded();
  const remain = living.filter(isRunning);
  if (remain.length === 0) return ended.flat();
  const list = remain
    .map(({ name, pid }) => `${name} (process ${pid}${problems.has(pid) ? `: ${problems.get(pid)}` : ', not even by SIGKILL'})`)
    .join(', ');
  throw new PerennialError('ALREADY_RUNNING', `What an earlier stack of ${perennialHome()} left behind could not be ended: ${list}.`, {
    hint: `End it as the user that it belongs to (kill -9 ${remain.map(({ pid }) => pid).join(' ')}), and run the command again.`,
    details: { pid: remain[0]!.pid },
  });
}

/**
 * Two servers with one database destroy it.
 *
 * @throws ALREADY_RUNNING naming who has it open
 */
export function refuseOpenDatabase(): void {
  const database = temporalDatabase();
  // Who only looks into the file, such as a backup, does no harm.
  const holder = openersOf(database).find(({ command }) => command.includes('start-dev'));
  if (holder === undefined) return;
  throw new PerennialError(
    'ALREADY_RUNNING',
    `${database}, where Temporal keeps the runs of this home, is open in process ${holder.pid} (${holder.command.slice(0, 120)}), which \`perennial up\` did not start.`,
    { hint: 'End that process and run the command again, or use another PERENNIAL_HOME.', details: { pid: holder.pid } },
  );
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
