import { hostname } from 'node:os';
import { CancelledFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { ERRORS } from '../src/core/errors.ts';
import { WORKER_STOPPED } from '../src/core/run.ts';
import type { StepOutcome, StepTask } from '../src/core/run.ts';
import { annotate, errorType, measure, telemetryIsOn } from '../src/telemetry/telemetry.ts';

/** One attempt of a step as traces and metrics tell it: on the span of its activity, and by duration, waiting and cache. */
export async function tellStep(task: StepTask, run: () => Promise<StepOutcome>): Promise<StepOutcome> {
  if (!telemetryIsOn()) return run();
  const { info } = Context.current();
  const place = { 'perennial.step.type': task.type, 'perennial.task_queue': info.taskQueue };
  const step = { 'cicd.pipeline.name': task.pipeline, 'cicd.pipeline.task.name': task.stepId, 'perennial.step.type': task.type };
  annotate({
    ...step,
    ...place,
    'cicd.pipeline.run.id': task.runId,
    'cicd.pipeline.task.run.id': `${info.activityId}/${info.attempt}`,
    'perennial.trigger': task.trigger,
    'cicd.worker.id': `${process.pid}@${hostname()}`,
  });
  // Clocks of two machines may disagree: a wait is never negative.
  measure('perennial.queue.wait', Math.max(0, (Date.now() - info.currentAttemptScheduledTimestampMs) / 1_000), place);
  measure('perennial.step.active', 1, place);
  const started = performance.now();
  const end = (result: string, error?: string): void => {
    const told = { 'cicd.pipeline.task.run.result': result, ...(error === undefined ? {} : { 'error.type': error }) };
    annotate(told);
    measure('perennial.step.active', -1, place);
    measure('perennial.step.duration', (performance.now() - started) / 1_000, { ...step, ...told });
  };
  try {
    const outcome = await run();
    const rejected = outcome.result.verdict?.passed === false;
    end(rejected ? 'failure' : outcome.cached ? 'skip' : 'success', rejected ? 'GATE_REJECTED' : undefined);
    return outcome;
  } catch (error) {
    const type = error instanceof CancelledFailure ? 'CANCELLED' : errorType(error);
    end(resultOf(type), type);
    throw error;
  }
}

/** What the cache said of a step that it could hold. */
export function tellCache(task: StepTask, result: 'hit' | 'miss' | 'off'): void {
  annotate({ 'perennial.cache.result': result });
  measure('perennial.cache.lookups', 1, {
    'perennial.cache.result': result,
    'perennial.step.type': task.type,
    'cicd.pipeline.name': task.pipeline,
  });
}

/** A step that is handed on to another worker was taken from this one, not failed. */
function resultOf(code: string): string {
  if (code === 'CANCELLED' || code === WORKER_STOPPED) return 'cancellation';
  if (code === 'TIMEOUT') return 'timeout';
  const known = Object.hasOwn(ERRORS, code) ? ERRORS[code as keyof typeof ERRORS] : undefined;
  return known === undefined || known.category === 'system' ? 'error' : 'failure';
}
