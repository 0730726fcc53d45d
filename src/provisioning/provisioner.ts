import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PerennialError, messageOf } from '../core/errors.ts';
import { withLock } from '../platform/lock.ts';

/** Where a component was found: already there, or provisioned by us. */
export type ToolSource = 'PATH' | 'cache' | 'provisioned' | 'node_modules';

export interface Tool {
  readonly name: 'temporal' | 'temporal-test-server' | 'tensorflow' | 'minio';
  readonly version: string;
  readonly source: ToolSource;
  /** The program, or the addon's file. */
  readonly path: string;
}

/** Hears one line of progress at a time. */
export type Report = (line: string) => void;

/** One way to get a component. It throws with the reason where it cannot be gone. */
export interface Route {
  readonly name: string;
  readonly run: () => Promise<Tool>;
}

/**
 * Tries each route in turn and returns the first component that works.
 *
 * @throws PROVISIONING_FAILED naming every route with its reason, and what to do.
 */
export async function firstOf(component: string, routes: readonly Route[], report: Report, fix: string): Promise<Tool> {
  const failures: { route: string; reason: string }[] = [];
  for (const route of routes) {
    try {
      return await route.run();
    } catch (error) {
      const reason = messageOf(error);
      failures.push({ route: route.name, reason });
      report(`${component}: ${route.name}: ${reason}`);
    }
  }
  const tried = failures.map(({ route, reason }, index) => `\n  ${index + 1}. ${route}: ${reason}`).join('');
  throw new PerennialError('PROVISIONING_FAILED', `${component} could not be set up. Tried:${tried}`, {
    hint: fix,
    details: { component, failures },
  });
}

/**
 * Makes a folder once, whole or not at all: `fill` works in a temporary folder beside it, which is renamed at the end. Other
 * processes that want the same folder wait and find it done.
 *
 * @returns true where this call made it.
 */
export async function makeFolderOnce(folder: string, report: Report, fill: (draft: string) => Promise<void>): Promise<boolean> {
  if (existsSync(folder)) return false;
  mkdirSync(dirname(folder), { recursive: true });
  const waiting = (pid: number): void => report(`${basename(dirname(folder))}: process ${pid} is setting it up; waiting for it`);
  return withLock(
    `${folder}.lock`,
    async () => {
      if (existsSync(folder)) return false;
      const prefix = `.${basename(folder)}-`;
      // Under the lock, drafts that are still here were left by a process that was killed.
      for (const name of readdirSync(dirname(folder)))
        if (name.startsWith(prefix)) rmSync(join(dirname(folder), name), { recursive: true, force: true });
      const draft = mkdtempSync(join(dirname(folder), prefix));
      try {
        chmodSync(draft, 0o755); // temporary folders are private; this one may be shared
        await fill(draft);
        renameSync(draft, folder);
      } finally {
        rmSync(draft, { recursive: true, force: true });
      }
      return true;
    },
    (holder) => waiting(holder.pid),
  );
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
