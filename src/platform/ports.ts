import { createServer } from 'node:net';
import { existsSync, readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { commandOf } from './process-info.ts';

/** True where nothing listens on the port, so that a server could. */
export function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port that the system says is free now. */
export function freePort(host = '127.0.0.1'): Promise<number> {
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
