import { ActivityCancellationType, proxyActivities, workflowInfo } from '@temporalio/workflow';
import { limits } from '../src/core/limits.ts';
import type { PlanStep } from '../src/core/plan.ts';
import { activityName, heavyQueue } from '../src/core/run.ts';
import type { StepOutcome, StepTask } from '../src/core/run.ts';
import { isWorkerStop } from './failures.ts';

/**
 * Runs the activity of a step once.
 *
 * @param execution 1 for the first: the step may run again after it failed
 */
export function callStep(step: PlanStep, task: StepTask, execution: number, heavy: boolean): Promise<StepOutcome> {
  const name = activityName(step.type, step.version);
  const queue = step.queue ?? workflowInfo().taskQueue;
  const activities = proxyActivities<Record<string, (task: StepTask) => Promise<StepOutcome>>>({
    taskQueue: heavy ? heavyQueue(queue) : queue,
    // The id shows in the UI: the step's, numbered where the step runs once more.
    activityId: execution === 1 ? step.id : `${step.id} #${execution}`,
    startToCloseTimeout: step.startToCloseMs,
    heartbeatTimeout: Math.min(step.heartbeatMs, limits.heartbeatTimeoutMsMax),
    retry: {
      maximumAttempts: step.retry.maximumAttempts,
      initialInterval: step.retry.initialIntervalMs,
      backoffCoefficient: step.retry.backoffCoefficient,
      maximumInterval: step.retry.maximumIntervalMs,
    },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: step.summary,
  });
  return activities[name]!(task);
}

/** A stopped worker is not the step's failure: the step is handed to the next worker with all of its attempts left. */
export async function throughWorkerStops(attempt: () => Promise<StepOutcome>, isCancelled: () => boolean): Promise<StepOutcome> {
  for (let interruptions = 0; ; interruptions++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isWorkerStop(error) || interruptions >= limits.interruptionsMax || isCancelled()) throw error;
    }
  }
}
