import { readFileSync, readdirSync } from 'node:fs';
import { commandOf, identify, type ProcessIdentity } from '../../src/platform/process-info.ts';

export interface ChildProcessInfo {
  readonly pid: number;
  readonly command: string;
  readonly identity: ProcessIdentity;
}

/** Processes that a process has started and that run. */
export function childrenOf(parent: number): ChildProcessInfo[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [, state, ppid] = /^\d+ \(.*\) (\S) (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))!;
      const pid = Number(name);
      if (Number(ppid) !== parent || state === 'Z') return [];
      return [{ pid, command: commandOf(pid) ?? '', identity: identify(pid) }];
    } catch {
      return []; // it ended meanwhile
    }
  });
}
