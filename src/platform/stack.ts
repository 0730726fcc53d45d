import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PerennialError, isPerennialError } from '../core/errors.ts';
import { perennialHome } from './paths.ts';
import { isRunning } from './process-info.ts';
import type { ProcessIdentity } from './process-info.ts';

/** What `perennial up` started: `PERENNIAL_HOME/run/stack.json`. Addresses are those really taken. */
export interface Stack {
  readonly formatVersion: 1;
  readonly state: 'starting' | 'up' | 'stopping';
  readonly supervisor: ProcessIdentity;
  /** Without a process where `TEMPORAL_ADDRESS` named a server that somebody else runs. */
  readonly temporal?: {
    readonly address: string;
    readonly uiUrl?: string;
    readonly external: boolean;
    readonly version?: string;
  } & Partial<ProcessIdentity>;
  readonly server?: { readonly url: string } & Partial<ProcessIdentity>;
  readonly workers: readonly ({ readonly name: string; readonly queues: readonly string[] } & Partial<ProcessIdentity>)[];
  /** Location of the object store, as given to worker and server. */
  readonly store: string;
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  readonly logs: string;
}

export function stackFile(): string {
  return join(perennialHome(), 'run', 'stack.json');
}

/** Held by the supervisor as long as it lives. */
export function stackLock(): string {
  return join(perennialHome(), 'run', 'supervisor.lock');
}

export function logsDir(): string {
  return join(perennialHome(), 'logs');
}

/** The location of the object store: `PERENNIAL_STORE`, else a folder of the home. */
export function storeLocation(): string {
  const given = process.env.PERENNIAL_STORE;
  return given === undefined || given === '' ? `file:${join(perennialHome(), 'store')}` : given;
}

/**
 * What `up` last wrote, also where it has died since; undefined where nothing was started, or `down` has ended it.
 *
 * @throws STACK_UNREADABLE
 */
export function readStack(): Stack | undefined {
  let text: string;
  try {
    text = readFileSync(stackFile(), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const stack = stackIn(text);
  if (stack !== undefined) return stack;
  throw new PerennialError(
    'STACK_UNREADABLE',
    `${stackFile()} does not say what runs here: it ${text.trim() === '' ? 'is empty' : `holds ${text.length} characters that are no whole description of a stack`}.`,
  );
}

/** As {@link readStack}; undefined also where the file is torn, for those who put that right. */
export function readableStack(): Stack | undefined {
  try {
    return readStack();
  } catch (error) {
    if (isPerennialError(error, 'STACK_UNREADABLE')) return undefined;
    throw error;
  }
}

function stackIn(text: string): Stack | undefined {
  try {
    const value = JSON.parse(text) as Partial<Stack> | null;
    const whole = typeof value?.supervisor?.pid === 'number' && Array.isArray(value.workers) && typeof value.store === 'string';
    return whole ? (value as Stack) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a part of a stack is what stands at its address. What a killed stack left on record is not: by now somebody else may have
 * its port. A part of somebody else's, and one that a living supervisor starts again, count as standing.
 */
export function standsNow(stack: Stack, part: Partial<ProcessIdentity>): boolean {
  if (isRunning(stack.supervisor) || part.pid === undefined || part.startTicks === undefined) return true;
  return isRunning({ pid: part.pid, startTicks: part.startTicks });
}

export function writeStack(stack: Stack): void {
  const path = stackFile();
  mkdirSync(dirname(path), { recursive: true });
  // On the disk before it has its name: a machine that loses power leaves no empty file.
  writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(stack, null, 2)}\n`, { flush: true });
  renameSync(`${path}.${process.pid}`, path);
}

export function removeStack(): void {
  rmSync(stackFile(), { force: true });
}

/** Every process that a stack consists of, but the supervisor. */
export function stackProcesses(stack: Stack): (ProcessIdentity & { readonly name: string })[] {
  const parts = [...stack.workers, { name: 'server', ...stack.server }, { name: 'temporal', ...stack.temporal }];
  return parts.flatMap(({ name, pid, startTicks }) => (pid === undefined || startTicks === undefined ? [] : [{ name, pid, startTicks }]));
}
