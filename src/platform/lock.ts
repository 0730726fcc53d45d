import { linkSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isRunning, processSpace, type ProcessIdentity, type ProcessSpace } from './process-info.ts';

export interface LockHolder extends ProcessIdentity {
  readonly host: string;
  /** Where its process id means something; absent where that cannot be known. */
  readonly space?: ProcessSpace;
  /** ISO 8601 UTC. */
  readonly since: string;
}

export type LockResult =
  | { readonly taken: true; readonly release: () => void; /** The dead holder whose lock was taken over. */ readonly stale?: LockHolder }
  | { readonly taken: false; readonly holder: LockHolder };

/**
 * A holder on another machine that shares the folder, or in another container of this one, cannot be looked up by its id, so it
 * counts as alive: a lock is never taken from a process that may be at work. What ran before this machine started is dead.
 */
function isAlive(holder: LockHolder): boolean {
  if (holder.host !== hostname()) return true;
  const here = processSpace();
  if (holder.space === undefined || here === undefined) return isRunning(holder);
  if (holder.space.boot !== here.boot) return false;
  return holder.space.processes !== here.processes || isRunning(holder);
}

/**
 * Takes the lock file at once or says who holds it. The file appears whole (hard link of a finished one). It is removed by who
 * holds it, or, where that one has died, under a second lock of the same kind: nobody can put a lock of his own in its place
 * between the look that finds it dead and its removal. A lock that was released a moment ago is never removed, only created.
 */
export function tryLock(path: string): LockResult {
  mkdirSync(dirname(path), { recursive: true });
  const me: LockHolder = { ...identify(process.pid), host: hostname(), ...spaceOfMine(), since: new Date().toISOString() };
  return take(path, me);
}

function take(path: string, me: LockHolder): LockResult {
  if (create(path, me)) return taken(path, me);
  const seen = look(path);
  if (seen.state === 'live') return { taken: false, holder: seen.holder };
  if (seen.state === 'free') return create(path, me) ? taken(path, me) : { taken: false, holder: read(path) ?? me };
  const guard = take(`${path}.takeover`, me);
  if (!guard.taken) return guard;
  try {
    const again = look(path);
    if (again.state === 'live') return { taken: false, holder: again.holder };
    if (again.state === 'dead') rmSync(path, { force: true });
    if (!create(path, me)) return { taken: false, holder: read(path) ?? me };
    return { ...taken(path, me), ...(again.state === 'dead' && again.holder !== undefined ? { stale: again.holder } : {}) };
  } finally {
    guard.release();
  }
}

/** Runs `action` under the lock, waiting for a live holder. `onWait` hears once whom it waits for. */
export async function withLock<T>(path: string, action: () => Promise<T>, onWait: (holder: LockHolder) => void = () => {}): Promise<T> {
  let told = false;
  for (;;) {
    const lock = tryLock(path);
    if (lock.taken) {
      try {
        return await action();
      } finally {
        lock.release();
      }
    }
    if (!told) onWait(lock.holder);
    told = true;
    await sleep(100 + Math.random() * 100);
  }
}

/** Who holds the lock file and lives; undefined where it is free or its holder died. */
export function lockHolder(path: string): LockHolder | undefined {
  const holder = read(path);
  return holder !== undefined && isAlive(holder) ? holder : undefined;
}

function taken(path: string, me: LockHolder): { readonly taken: true; readonly release: () => void } {
  return {
    taken: true,
    release: () => {
      const holder = read(path);
      if (holder?.pid === me.pid && holder.startTicks === me.startTicks && holder.host === me.host) rmSync(path, { force: true });
    },
  };
}

function spaceOfMine(): Pick<LockHolder, 'space'> {
  const space = processSpace();
  return space === undefined ? {} : { space };
}

let counter = 0;

function create(path: string, holder: LockHolder): boolean {
  const draft = `${path}.${holder.pid}.${(counter += 1)}`;
  writeFileSync(draft, JSON.stringify(holder));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

type Seen =
  | { readonly state: 'free' }
  | { readonly state: 'live'; readonly holder: LockHolder }
  | { readonly state: 'dead'; /** Absent where the file is damaged. */ readonly holder?: LockHolder };

function look(path: string): Seen {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { state: 'free' };
    throw error;
  }
  try {
    const holder = JSON.parse(text) as LockHolder;
    return { state: isAlive(holder) ? 'live' : 'dead', holder };
  } catch (error) {
    if (error instanceof SyntaxError) return { state: 'dead' };
    throw error;
  }
}

function read(path: string): LockHolder | undefined {
  const seen = look(path);
  return seen.state === 'free' ? undefined : seen.holder;
}
