import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { perennialHome } from './paths.ts';
import { isRunning, startTicksOf } from './process-info.ts';
import type { ProcessIdentity } from './process-info.ts';
import { stackProcesses } from './stack.ts';
import type { Stack } from './stack.ts';

/** A process that the stack of a home is made of, e.g. "worker-1". */
export type StackProcess = ProcessIdentity & { readonly name: string };

/** The file in which Temporal keeps runs and schedules of this home. */
export function temporalDatabase(): string {
  return join(perennialHome(), 'temporal.db');
}

function recordsDir(): string {
  return join(perennialHome(), 'run', 'processes');
}

/** An empty file whose name says it all: a name is there or not, and never torn. */
const recordOf = ({ name, pid, startTicks }: StackProcess): string => join(recordsDir(), `${name}@${pid}-${startTicks}`);

/** Makes a process of this home known, whatever becomes of stack.json. */
export function recordProcess(process: StackProcess): void {
  mkdirSync(recordsDir(), { recursive: true });
  writeFileSync(recordOf(process), '', { flush: true });
}

/** It has ended. */
export function forgetProcess(process: StackProcess): void {
  rmSync(recordOf(process), { force: true });
}

/** Forgets every process that does not run any more. */
export function forgetEnded(): void {
  for (const process of recorded()) if (!isRunning(process)) forgetProcess(process);
}

function recorded(): StackProcess[] {
  let names: string[];
  try {
    names = readdirSync(recordsDir());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names.flatMap((text) => {
    const [, name, pid, startTicks] = /^(.+)@(\d+)-(\d+)$/.exec(text) ?? [];
    return name === undefined ? [] : [{ name, pid: Number(pid), startTicks: Number(startTicks) }];
  });
}

/**
 * The processes of this home that run now, the supervisor aside: those of stack.json, those on record, and the Temporal server that has
 * the database of this home on its command line. Each of the three may be missing.
 */
export function livingProcesses(stack: Stack | undefined): StackProcess[] {
  const known = [...(stack === undefined ? [] : stackProcesses(stack)), ...recorded(), ...temporalServers()];
  return [...new Map(known.map((process) => [process.pid, process])).values()].filter(isRunning);
}

/** As {@link devServerArguments} begins: a server that somebody started otherwise is not ours. */
const OUR_SERVER = / server start-dev --ip 127\.0\.0\.1 --port \d+ --ui-port \d+ --db-filename (.+?) --sqlite-pragma /;

function temporalServers(): StackProcess[] {
  const database = realPath(temporalDatabase());
  return commands().flatMap(({ pid, command }) => {
    const file = OUR_SERVER.exec(command)?.[1];
    if (file === undefined || realPath(file) !== database) return [];
    const startTicks = startTicksOf(pid);
    return startTicks === undefined ? [] : [{ name: 'temporal', pid, startTicks }];
  });
}

/** The same file has one, by whatever name. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // not there yet
  }
}

/** The command lines of all processes that we may look at. */
function commands(): { readonly pid: number; readonly command: string }[] {
  if (process.platform !== 'linux')
    return execFileSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
      .split('\n')
      .map((line) => ({ pid: Number.parseInt(line, 10), command: line.trim().replace(/^\d+\s+/, '') }));
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').join(' ') }];
      } catch {
        return []; // ended meanwhile
      }
    });
}
