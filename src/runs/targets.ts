import type { Client } from '@temporalio/client';
import { targetsWorkflowId } from '../core/targets.ts';
import type { TargetsView } from '../core/targets.ts';
import type { Temporal } from './connect.ts';
import { startAttributes } from './search-attributes.ts';

/** Has the targets of a model brought in step with its routing; where that is being done already, it is done once more. */
export async function startFollowing(client: Client, taskQueue: string, model: string): Promise<void> {
  await client.workflow.signalWithStart('targets', {
    workflowId: targetsWorkflowId(model),
    taskQueue,
    args: [{ model }],
    signal: 'follow',
    signalArgs: [],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Targets of ${model} follow its champion`,
    typedSearchAttributes: startAttributes({ kind: 'targets', model }),
  });
}

const LOOK_MS = 100;

/** The same, and waits until all are in step, none that is behind is tried again, or the time is over. */
export async function followAndWait({ client, settings }: Temporal, model: string, timeoutMs: number): Promise<TargetsView> {
  const until = Date.now() + timeoutMs;
  await startFollowing(client, settings.taskQueue, model);
  const handle = client.workflow.getHandle(targetsWorkflowId(model));
  const over = handle.result() as Promise<TargetsView>;
  over.catch(() => undefined);
  for (;;) {
    const left = until - Date.now();
    const found = await Promise.race([
      over,
      new Promise<undefined>((resolve) => setTimeout(resolve, Math.max(0, Math.min(left, LOOK_MS)), undefined)),
    ]);
    if (found !== undefined) return found;
    if (Date.now() < until) continue;
    const view = await handle.query<TargetsView | null>('status').catch(() => null);
    return (
      view ?? {
        model,
        champion: null,
        revision: 0,
        targets: [
          {
            target: 'targets',
            place: 'where they are',
            version: null,
            inStep: false,
            why: `no worker has looked at them within ${timeoutMs / 1_000} s`,
          },
        ],
      }
    );
  }
}
