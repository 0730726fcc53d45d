import { CancellationScope, proxyActivities, upsertMemo } from '@temporalio/workflow';
import type { Outcome } from '../src/core/outcome.ts';

const { tellOutcome } = proxyActivities<{ tellOutcome(outcome: Outcome): Promise<void> }>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '2 minutes',
  retry: { maximumAttempts: 3 },
  summary: 'Tell what came of it',
});

/** Characters of what lists show. */
const SUMMARY_MAX = 1_000;

/** Tells lists, the log of the worker and the store what came of a run or a check. */
export async function tell(outcome: Omit<Outcome, 'formatVersion' | 'at'>): Promise<void> {
  const summary = outcome.summary.slice(0, SUMMARY_MAX);
  upsertMemo({ summary });
  try {
    await CancellationScope.nonCancellable(() => tellOutcome({ formatVersion: 1, ...outcome, summary, at: new Date().toISOString() }));
  } catch {
    // It is what it is, also where nobody could be told; the worker's log has the reason.
  }
}
