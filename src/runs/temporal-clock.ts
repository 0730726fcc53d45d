import { temporalError } from './connect.ts';
import type { Temporal } from './connect.ts';

/** A poller that has not asked for longer than this before another one did has ended, or will be told gone soon. */
export const POLLER_LIVE_MS = 75_000;
const WORKFLOWS = 1;
/** How far apart two clocks may be that agree. */
const AGREES_MS = 2_000;

/** Who takes tasks from a queue. */
export interface Poller {
  readonly identity: string;
  /** By Temporal's clock. */
  readonly askedAt: number;
}

/**
 * Who takes workflow tasks from the queue. Temporal lists a worker for minutes after its last question; what is old is told by the newest
 * question of all, never by a clock of this machine.
 *
 * @throws TEMPORAL_UNAVAILABLE
 */
export async function livePollers({ connection, settings }: Temporal, taskQueue = settings.taskQueue): Promise<readonly Poller[]> {
  const { namespace, address } = settings;
  try {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: WORKFLOWS,
    });
    const found = (pollers ?? []).map(({ identity, lastAccessTime }) => ({
      identity: identity ?? '',
      askedAt: Number(lastAccessTime?.seconds ?? 0) * 1_000 + Math.floor((lastAccessTime?.nanos ?? 0) / 1e6),
    }));
    const newest = Math.max(...found.map(({ askedAt }) => askedAt));
    return found.filter(({ askedAt }) => newest - askedAt <= POLLER_LIVE_MS);
  } catch (error) {
    throw temporalError(error, `Temporal at ${address}`);
  }
}

/**
 * Now, by Temporal's clock: that of this machine where it may be right, else the time of the newest question of a worker, which is at most
 * about a minute ago. Without a worker nobody knows better than this machine.
 *
 * @throws TEMPORAL_UNAVAILABLE
 */
export async function temporalNow(temporal: Temporal): Promise<number> {
  const ours = Date.now();
  const asked = (await livePollers(temporal)).map(({ askedAt }) => askedAt);
  if (asked.length === 0) return ours;
  const newest = Math.max(...asked);
  return ours >= newest - AGREES_MS && ours <= newest + POLLER_LIVE_MS ? ours : newest;
}
