import { CancellationScope, ParentClosePolicy, proxyActivities, startChild, upsertMemo, workflowInfo } from '@temporalio/workflow';
import type { NotificationEvent, NotificationInput, NotificationTarget, WholeText } from '../src/core/notification.ts';
import type { Outcome } from '../src/core/outcome.ts';
import { changesOfCheck } from '../src/core/run-changes.ts';
import { Changes } from './changes.ts';

const { tellOutcome } = proxyActivities<{ tellOutcome(outcome: Outcome): Promise<void> }>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '2 minutes',
  retry: { maximumAttempts: 3 },
  summary: 'Tell what came of it',
});

/** Characters of what lists show. */
const SUMMARY_MAX = 1_000;

/** Who is told of an outcome, and what of it. */
export interface Told {
  readonly targets: readonly NotificationTarget[] | undefined;
  readonly events: readonly NotificationEvent[];
  readonly version: number | null;
  readonly whole?: WholeText;
}

/** Tells lists, the log of the worker, the store and whoever the document names what came of a run or a check. */
export async function tell(given: Omit<Outcome, 'formatVersion' | 'at'>, told: Told): Promise<void> {
  const outcome: Outcome = { formatVersion: 1, ...given, summary: given.summary.slice(0, SUMMARY_MAX), at: new Date().toISOString() };
  await CancellationScope.nonCancellable(async () => {
    await keep(outcome);
    await publish(outcome, told);
    await notify(outcome, told);
  });
}

/** What a run tells other programs it tells as it goes on. */
async function publish(outcome: Outcome, { events, version }: Told): Promise<void> {
  if (outcome.kind === 'run') return;
  const { runId: executionId } = workflowInfo();
  const found = changesOfCheck(outcome, events, { version, executionId });
  if (found.length === 0) return;
  const changes = new Changes();
  for (const change of found) changes.tell(() => change);
  await changes.settle();
}

/** Runs in a workflow of its own, which lives on: a receiver that hangs holds nothing up. */
async function notify(outcome: Outcome, { targets, events, version, whole }: Told): Promise<void> {
  if (targets === undefined || targets.length === 0) return;
  const { workflowId, runId } = workflowInfo();
  const id = `${workflowId}/${runId}`;
  const input: NotificationInput = { outcome, events, version, targets, id, ...(whole === undefined ? {} : { whole }) };
  try {
    await startChild('notification', {
      workflowId: `notify/${id}`,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${outcome.pipeline}: tell of ${events.length === 0 ? outcome.outcome : events.join(', ')}`,
    });
  } catch (error) {
    // The one of the same id has the same to say.
    if ((error as Error).name !== 'WorkflowExecutionAlreadyStartedError') throw error;
  }
}

async function keep(outcome: Outcome): Promise<void> {
  upsertMemo({ summary: outcome.summary });
  try {
    await tellOutcome(outcome);
  } catch {
    // It is what it is, also where nobody could be told; the worker's log has the reason.
  }
}
