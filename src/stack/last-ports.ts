import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { perennialHome } from '../platform/paths.ts';

export type PortName = 'temporal' | 'ui' | 'server';

/** Not in `run/`: it outlives the stack. */
const file = (): string => join(perennialHome(), 'cache', 'ports.json');

/** The ports that the stack of this home had last; none where that cannot be read. */
export function lastPorts(): Partial<Record<PortName, number>> {
  try {
    const found = JSON.parse(readFileSync(file(), 'utf8')) as Record<string, unknown> | null;
    return Object.fromEntries(
      Object.entries(found ?? {}).filter(([, port]) => Number.isInteger(port) && (port as number) > 0 && (port as number) < 65_536),
    );
  } catch {
    return {}; // a convenience, which a torn file does not take away for ever: it is written at every start
  }
}

export function rememberPorts(ports: Partial<Record<PortName, number>>): void {
  mkdirSync(dirname(file()), { recursive: true });
  writeFileSync(`${file()}.${process.pid}`, JSON.stringify({ ...lastPorts(), ...ports }));
  renameSync(`${file()}.${process.pid}`, file());
}
