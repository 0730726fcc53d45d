import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { perennialHome } from './paths.ts';
import type { ProcessIdentity } from './process-info.ts';

/** What `perennial up` started: `PERENNIAL_HOME/run/stack.json`. Addresses are those really taken. */
export interface Stack {
  readonly formatVersion: 1;
  readonly state: 'starting' | 'up' | 'stopping';
  readonly supervisor: ProcessIdentity;
  /** Without a process where `TEMPORAL_ADDRESS` named a server that somebody else runs. */
  readonly temporal?: { readonly address: string; readonly uiUrl?: string; readonly external: boolean; readonly version?: string } & Partial<ProcessIdentity>;
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

/** What `up` last wrote, also where it has died since; undefined where nothing was started, or `down` has ended it. */
export function readStack(): Stack | undefined {
  let text: string;
  try {
    text = readFileSync(stackFile(), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return JSON.parse(text) as Stack;
}

export function writeStack(stack: Stack): void {
  const path = stackFile();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(stack, null, 2)}\n`);
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
