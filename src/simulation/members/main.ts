import { readFileSync, rmSync } from 'node:fs';
import { signal } from '../../platform/process-info.ts';
import type { MemberMessage, MemberOrder, MemberTask, MemberWork } from './protocol.ts';
import { SimulatedClock } from './simulated-clock.ts';

/**
 * A process of a simulation: `simulated.js FILE`, forked with an IPC channel. It lives by the simulated clock, and ends when nobody tells
 * it the time any more. Its clock is installed before anything else is loaded.
 */
const [, , path] = process.argv;
const task = JSON.parse(path === undefined ? '{}' : readFileSync(path, 'utf8')) as MemberTask;
const clock = new SimulatedClock(task.jumps ?? []);
clock.install();

const tell = (message: MemberMessage): void => void process.send?.(message);

async function main(): Promise<void> {
  if (process.send === undefined) {
    process.stderr.write('This process is started by `perennial simulate`, not by hand.\n');
    process.exit(2);
  }
  let work: MemberWork | undefined;
  let isEnding = false;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    void (work?.stop() ?? Promise.resolve()).then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', end);
  // The keyboard reaches the whole group: whoever started this decides when it ends.
  process.on('SIGINT', () => undefined);
  // Whoever plays the simulation was killed: it takes nothing down any more.
  process.on('disconnect', () => {
    if (!isEnding) {
      signal(task.temporal, 'SIGKILL');
      rmSync(task.folder, { recursive: true, force: true, maxRetries: 3 });
    }
    process.exit(1);
  });
  const early: MemberOrder[] = [];
  const obey = async (order: MemberOrder): Promise<void> => {
    if (order.kind === 'jump') clock.jump(order.jump);
    else await work!.flush();
    tell({ kind: 'done', id: order.id });
  };
  process.on('message', (order: MemberOrder) => {
    if (work === undefined && order.kind === 'flush') early.push(order);
    else void obey(order);
  });
  const { openWorker } = await import('./worker-member.ts');
  const { openModelServer } = await import('./server-member.ts');
  work = task.kind === 'worker' ? await openWorker(clock) : await openModelServer(clock, task.port);
  for (const order of early) await obey(order);
  tell({ kind: 'ready', url: work.url, port: Number(work.url === null ? 0 : new URL(work.url).port) });
}

main().catch((error: unknown) => {
  tell({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exitCode = 1;
  process.disconnect?.();
});
