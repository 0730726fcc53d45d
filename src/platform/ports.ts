import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { existsSync, readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { messageOf } from '../core/errors.ts';
import { commandOf } from './process-info.ts';

/** True where nothing listens on the port, so that a server could. */
export function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** No system takes one of these for a connection that goes out: only who asks for it by its number gets it. */
const QUIET_PORTS = { first: 20_000, last: 32_767 } as const;
const QUIET_TRIES = 50;

/** A port that is free now, of those that no outgoing connection takes before somebody listens on it, as far as there are any. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let tries = 0; tries < QUIET_TRIES; tries += 1) {
    const port = randomInt(QUIET_PORTS.first, QUIET_PORTS.last + 1);
    if (await isFree(port, host)) return port;
  }
  return anyFreePort(host);
}

/** One that the system says is free now. */
function anyFreePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port: 0, host }, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
      server.close(() => resolve(address.port));
    });
  });
}

const STARTS_MAX = 3;
const TAKEN = /EADDRINUSE|address already in use/i;

/**
 * Starts what listens on ports that were free a moment ago. Where it does not start since another process was faster, on one of these or
 * on one that it chose by itself, ports are chosen anew and it is started again.
 *
 * @param choose asked before each start; throws where the user asked for one that is taken
 * @param start throws where it does not start
 */
export async function startOnPorts<T>(
  choose: () => Promise<readonly number[]>,
  start: (ports: readonly number[]) => Promise<T>,
  note: (text: string) => void,
): Promise<T> {
  for (let starts = 1; ; starts += 1) {
    const ports = await choose();
    try {
      return await start(ports);
    } catch (error) {
      const free = await Promise.all(ports.map((port) => isFree(port)));
      const taken = ports.filter((_, index) => free[index] === false);
      if (starts === STARTS_MAX || (taken.length === 0 && !TAKEN.test(messageOf(error)))) throw error;
      note(`Another process took ${taken.length === 0 ? 'a port' : `port ${taken.join(' and ')}`} meanwhile; starting again on others.`);
    }
  }
}

export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

/** Who has a file open, where the system lets us know: on Linux, of processes that we may look into. */
export function openersOf(path: string): PortHolder[] {
  if (process.platform !== 'linux' || !existsSync(path)) return [];
  const file = realpathSync(path);
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && openFiles(entry).includes(file))
    .map((entry) => ({ pid: Number(entry), command: commandOf(Number(entry)) ?? 'unknown' }));
}

/** Who listens on a TCP port, where the system lets us know: on Linux, for processes that we may look into. */
export function holderOf(port: number): PortHolder | undefined {
  if (process.platform !== 'linux') return undefined;
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return undefined;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    if (openFiles(entry).some((link) => inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? ''))) {
      return { pid: Number(entry), command: commandOf(Number(entry)) ?? 'unknown' };
    }
  }
  return undefined;
}

const STATE_LISTEN = '0A';

function listeningInodes(table: string, port: number): string[] {
  let text: string;
  try {
    text = readFileSync(table, 'utf8');
  } catch {
    return []; // no IPv6 on this machine
  }
  const rows = text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return rows
    .filter((row) => row[1]?.endsWith(`:${wanted}`) === true && row[3] === STATE_LISTEN)
    .flatMap((row) => (row[9] === undefined ? [] : [row[9]]));
}

function openFiles(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((descriptor) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      } catch {
        return ''; // closed meanwhile
      }
    });
  } catch {
    return []; // another user's process, or ended meanwhile
  }
}
