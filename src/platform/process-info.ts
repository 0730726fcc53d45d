import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

/** A process that can be told apart from a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started: clock ticks since boot on Linux, milliseconds since 1970 elsewhere. Compared for equality only. */
  readonly startTicks: number;
}

/** Process ids mean the same within one start of a machine and one PID namespace: containers have their own. */
export interface ProcessSpace {
  readonly boot: string;
  readonly processes: string;
}

/** Of this process; undefined where the system has no such thing. */
export function processSpace(): ProcessSpace | undefined {
  try {
    return { boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), processes: readlinkSync('/proc/self/ns/pid') };
  } catch {
    return undefined; // not Linux
  }
}

/** When the process started, or undefined where there is no such process (a zombie counts as none). */
export function startTicksOf(pid: number): number | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return process.platform === 'linux' ? linuxStartTicks(pid) : psStart(pid);
}

function linuxStartTicks(pid: number): number | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // the folder of an ended process is gone
  }
  // The second field is the name in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
}

function psStart(pid: number): number | undefined {
  try {
    const started = Date.parse(
      execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } }).trim(),
    );
    return Number.isNaN(started) ? undefined : started;
  } catch {
    return undefined; // ps exits with 1 where there is no such process
  }
}

/** @throws Error where the process is not there. */
export function identify(pid: number): ProcessIdentity {
  const startTicks = startTicksOf(pid);
  if (startTicks === undefined) throw new Error(`process ${pid} is not running`);
  return { pid, startTicks };
}

/** True while exactly this process runs; false once it ended, even where its id was given to another one. */
export function isRunning(identity: ProcessIdentity): boolean {
  return startTicksOf(identity.pid) === identity.startTicks;
}

/**
 * Sends a signal to exactly this process, or to the process group that it leads; false where it is gone. Never reaches a
 * process that merely got the same id.
 */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals, target: 'process' | 'group' = 'process'): boolean {
  if (!isRunning(identity)) return false;
  try {
    process.kill(target === 'group' ? -identity.pid : identity.pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/**
 * Sends a signal to the process group of a child: its id stays taken while a member lives, also where the child itself has ended. Nothing
 * where none is left, or the child was never started.
 */
export function signalGroup(leader: number | undefined, name: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** SIGTERM, then SIGKILL after `graceMs`; resolves once the process is gone. */
export async function stopProcess(
  identity: ProcessIdentity,
  graceMs: number,
  target: 'process' | 'group' = 'process',
): Promise<'gone' | 'stopped' | 'killed'> {
  if (!signal(identity, 'SIGTERM', 'process')) return 'gone';
  if (await endsWithin(identity, graceMs)) return 'stopped';
  signal(identity, 'SIGKILL', target);
  await endsWithin(identity, 5_000);
  return 'killed';
}

async function endsWithin(identity: ProcessIdentity, ms: number): Promise<boolean> {
  const deadline = Date.now() + ms;
  while (isRunning(identity)) {
    if (Date.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
}

/** The command line of a process, for messages; undefined where it cannot be known. */
export function commandOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim() || undefined;
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Memory that a process has for itself, without what it shares with others, in bytes; undefined where the system does not tell. */
export function residentBytesOf(pid: number): number | undefined {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined; // not Linux, or the process is gone
  }
}

/** How long a process has computed, in clock ticks of the system; undefined where the system does not tell, or the process is gone. */
export function computedTicksOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return undefined; // not Linux, or the process is gone
  }
}
