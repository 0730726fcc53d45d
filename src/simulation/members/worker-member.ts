import { join } from 'node:path';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { steps } from '../../../activities/steps/index.generated.ts';
import { perennialHome } from '../../platform/paths.ts';
import { temporalSettings } from '../../runs/connect.ts';
import { workerIdentity } from '../../runs/own-stack.ts';
import { createArtifactStore } from '../../storage/artifact-store.ts';
import { codeDigestOf } from '../../steps/code-digests.ts';
import { installRuntime, optionsOf } from '../../worker/worker.ts';
import { openSimulatedStore } from './open-store.ts';
import type { MemberWork } from './protocol.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/** A time of Temporal this far ahead of ours is of a jump that we were not told of yet. */
const BEHIND_MS = 1_000;

/**
 * The worker, as it is, but for what it asks of Temporal before it works: the test server lists neither workers nor runs, and nobody
 * else is there. In the middle of a jump its clock goes by the tasks that it is given.
 */
export async function openWorker(clock: SimulatedClock): Promise<MemberWork> {
  const store = await openSimulatedStore(clock);
  const settings = await temporalSettings();
  const { NativeConnection, Worker } = await import('@temporalio/worker');
  const { Context } = await import('@temporalio/activity');
  const follow = {
    async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
      const behind = Context.current().info.currentAttemptScheduledTimestampMs - clock.now();
      if (behind > BEHIND_MS) clock.jump({ from: clock.now() - clock.aheadMs, aheadMs: clock.aheadMs + behind });
      return next(input);
    },
  };
  const deps = {
    store,
    artifacts: createArtifactStore(store),
    steps,
    workRoot: join(perennialHome(), 'work'),
    codeDigest: codeDigestOf,
  };
  await installRuntime();
  const connection = await NativeConnection.connect({ address: settings.address });
  const stop = new AbortController();
  const workers = await Promise.all(
    optionsOf(
      settings.taskQueue,
      settings,
      connection,
      deps,
      // What waits for a worker that had a run in memory the test server gives to no other one, should that be killed.
      { signal: stop.signal, options: { maxCachedWorkflows: 0 } },
      {
        identity: await workerIdentity(store),
        interceptors: { activity: [() => ({ inbound: follow })] },
      },
    ).map((options) => Worker.create(options)),
  );
  const running = Promise.all(workers.map((worker) => worker.run()));
  running.catch((error: unknown) => {
    process.stderr.write(`worker: ${String(error)}\n`);
    process.exit(1);
  });
  return {
    url: null,
    flush: async () => undefined,
    async stop() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
      await connection.close();
    },
  };
}
