import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, readlink, symlink, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { PerennialError } from '../core/errors.ts';
import { startTicksOf } from '../platform/process-info.ts';

/** Longest time a waiter waits for a live holder; a holder keeps a lock for about a millisecond. */
const WAIT_MS_MAX = 30_000;
/** A holder on another machine (a shared folder) cannot be asked whether it lives: it is given up after this time. */
const FOREIGN_HOLDER_MS_MAX = 60_000;

/**
 * Runs `work` while no other process (and no other caller of this one) does so for the same folder.
 *
 * A lock is a folder of numbered tickets, and its state is its highest ticket: `<n>` was taken (a symbolic link whose text names the
 * holder, so that ticket and holder appear in one step), `<n>.free` says that it was given back. To take the lock is to create
 * ticket n+1 exclusively once ticket n is free or its holder is dead. The highest tickets are never removed, so a waiter with an old
 * view either fails to create its ticket or sees a higher one and withdraws: breaking a killed process's lock cannot break a live one.
 */
export async function withFileLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const ticket = await acquire(folder);
  try {
    return await work();
  } finally {
    await symlink('free', `${ticket}.free`);
  }
}

async function acquire(folder: string): Promise<string> {
  const holder = ownName();
  const giveUpAt = Date.now() + WAIT_MS_MAX;
  for (let attempt = 0; ; attempt += 1) {
    const names = await ticketNames(folder);
    const top = highest(names);
    if (top === 0 || names.includes(`${top}.free`) || (await isDead(join(folder, String(top))))) {
      const path = join(folder, String(top + 1));
      if ((await tryLink(holder, path)) && (await isHighest(folder, top + 1))) return path;
    }
    if (Date.now() > giveUpAt) {
      throw new PerennialError('STORE_UNAVAILABLE', `The lock ${folder} was held by another process for ${WAIT_MS_MAX / 1000} s.`, {
        hint: 'Look for a process that hangs; its id is in the text of the newest link in that folder.',
      });
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(1 + attempt, 8)));
  }
}

/** Withdraws the ticket where a higher one exists; otherwise removes old ones, but for the generation before. */
async function isHighest(folder: string, number: number): Promise<boolean> {
  const names = await ticketNames(folder);
  if (highest(names) > number) {
    await removeQuietly(join(folder, String(number)));
    return false;
  }
  await Promise.all(names.filter((name) => Number.parseInt(name, 10) < number - 1).map((name) => removeQuietly(join(folder, name))));
  return true;
}

async function ticketNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    await mkdir(folder, { recursive: true });
    return [];
  });
  return names.filter((name) => /^\d+(\.free)?$/.test(name));
}

function highest(names: readonly string[]): number {
  return names.reduce((top, name) => Math.max(top, Number.parseInt(name, 10)), 0);
}

async function tryLink(holder: string, path: string): Promise<boolean> {
  try {
    await symlink(holder, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function removeQuietly(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function isDead(path: string): Promise<boolean> {
  let text: string;
  let heldSince: number;
  try {
    text = await readlink(path);
    heldSince = (await lstat(path)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  const [pid = '', startTicks = '', host = ''] = text.split(':');
  if (host !== hostname()) return Date.now() - heldSince > FOREIGN_HOLDER_MS_MAX;
  return String(startTicksOf(Number(pid))) !== startTicks;
}

let own: string | undefined;

function ownName(): string {
  own ??= `${process.pid}:${startTicksOf(process.pid)}:${hostname()}:${randomBytes(4).toString('hex')}`;
  return own;
}
