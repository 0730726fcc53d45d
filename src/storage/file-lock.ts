import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readFile, readdir, readlink, rename, symlink, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { PerennialError } from '../core/errors.ts';

/** Longest time a waiter waits for a live holder; a holder keeps a lock for about a millisecond. */
const WAIT_MS_MAX = 30_000;
/** A holder on another machine (a shared folder) cannot be asked whether it lives: it is given up after this time. */
const FOREIGN_HOLDER_MS_MAX = 60_000;

interface Ticket {
  readonly name: string;
  readonly number: number;
  readonly free: boolean;
}

/**
 * Runs `work` while no other process (and no other caller of this one) does so for the same folder.
 *
 * A lock is a folder of numbered tickets, and its state is its highest ticket: `<n>` is held (a symbolic link whose text names the
 * holder, so that ticket and holder appear in one step), `<n>.free` was given back. To take the lock is to create ticket n+1
 * exclusively once ticket n is free or its holder is dead. The highest ticket is never removed, so a waiter with an old view
 * creates a ticket that is not the highest, sees that, and withdraws: breaking the lock of a killed process cannot break a live one.
 */
export async function withFileLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const ticket = await acquire(folder);
  try {
    return await work();
  } finally {
    await rename(ticket, `${ticket}.free`);
  }
}

async function acquire(folder: string): Promise<string> {
  const holder = await ownName();
  const giveUpAt = Date.now() + WAIT_MS_MAX;
  for (let attempt = 0; ; attempt += 1) {
    const top = highest(await tickets(folder));
    if (top === undefined || top.free || (await isDead(join(folder, top.name)))) {
      const number = (top?.number ?? 0) + 1;
      const path = join(folder, String(number));
      if ((await tryLink(holder, path)) && (await isHighest(folder, number))) return path;
    }
    if (Date.now() > giveUpAt) {
      throw new PerennialError('STORE_UNAVAILABLE', `The lock ${folder} was held by another process for ${WAIT_MS_MAX / 1000} s.`, {
        hint: 'Look for a process that hangs; its name is the text of the newest link in that folder.',
      });
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(1 + attempt, 8)));
  }
}

/** Withdraws the ticket where another one is as high; removes what is older where it holds. */
async function isHighest(folder: string, number: number): Promise<boolean> {
  const others = (await tickets(folder)).filter((ticket) => ticket.name !== String(number));
  if (others.some((ticket) => ticket.number >= number)) {
    await removeQuietly(join(folder, String(number)));
    return false;
  }
  await Promise.all(others.map((ticket) => removeQuietly(join(folder, ticket.name))));
  return true;
}

async function tickets(folder: string): Promise<Ticket[]> {
  const names = await readdir(folder).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    await mkdir(folder, { recursive: true });
    return [];
  });
  return names.filter((name) => /^\d+(\.free)?$/.test(name)).map((name) => ({ name, number: Number.parseInt(name, 10), free: name.endsWith('.free') }));
}

function highest(all: readonly Ticket[]): Ticket | undefined {
  // At the same number a held ticket counts: its holder is about to withdraw.
  return all.reduce<Ticket | undefined>((top, ticket) => (top === undefined || ticket.number > top.number || (ticket.number === top.number && top.free) ? ticket : top), undefined);
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
  return (await startTicksOf(Number(pid))) !== startTicks;
}

let own: Promise<string> | undefined;

function ownName(): Promise<string> {
  own ??= startTicksOf(process.pid).then((ticks) => `${process.pid}:${ticks}:${hostname()}:${randomBytes(4).toString('hex')}`);
  return own;
}

/**
 * When a process started, in clock ticks since boot (a process id alone may have been given to another process since).
 * "" where there is no such process; "alive" where the system does not tell (no /proc).
 *
 * @see proc(5), field 22 of /proc/pid/stat
 */
async function startTicksOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended: it holds nothing.
    return fields[0] === 'Z' && pid !== process.pid ? '' : fields[19]!;
  } catch {
    try {
      process.kill(pid, 0);
      return 'alive';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'alive' : '';
    }
  }
}
