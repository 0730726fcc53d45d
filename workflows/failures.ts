import { ActivityFailure, ApplicationFailure, CancelledFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/common';
import { ERRORS } from '../src/core/errors.ts';
import { WORKER_STOPPED } from '../src/core/run.ts';
import type { RunFailure } from '../src/core/run.ts';

/** The cause of a failed activity or child, without its wrapping. */
export function causeOf(error: unknown): unknown {
  const wrapped = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure;
  return wrapped && error.cause !== undefined ? error.cause : error;
}

export function isCancelled(error: unknown): boolean {
  return causeOf(error) instanceof CancelledFailure;
}

export function isWorkerStop(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure && cause.type === WORKER_STOPPED;
}

/** The end of a workflow or an Update, by a code of the error table. What went wrong is no place in our code, so no stack is shown. */
export function ending({ code, message }: Pick<RunFailure, 'code' | 'message'>, details: unknown[] = []): ApplicationFailure {
  const failure = ApplicationFailure.create({ message: message.trim(), type: code, nonRetryable: true, details });
  failure.stack = '';
  return failure;
}

/** Anything that an activity failed with, in the terms of the error table. */
export function failureOf(error: unknown, step?: string): RunFailure {
  const cause = causeOf(error);
  const where = step === undefined ? {} : { step };
  if (cause instanceof TimeoutFailure) return { ...timeout(cause), ...where };
  if (cause instanceof ApplicationFailure) {
    const code = cause.type ?? 'INTERNAL';
    if (Object.hasOwn(ERRORS, code)) return { code, message: cause.message, ...where };
    if (/not registered/.test(cause.message))
      return {
        code: 'PIPELINE_OUTDATED',
        message: `No worker knows this step: ${cause.message} ${ERRORS.PIPELINE_OUTDATED.hint}`,
        ...where,
      };
    return { code: 'INTERNAL', message: `${code}: ${cause.message}`, ...where };
  }
  if (cause instanceof CancelledFailure) return { code: 'CANCELLED', message: 'Cancelled.', ...where };
  return { code: 'INTERNAL', message: cause instanceof Error ? cause.message : String(cause), ...where };
}

function timeout(failure: TimeoutFailure): RunFailure {
  if (failure.timeoutType === 'HEARTBEAT')
    return {
      code: 'TIMEOUT',
      message:
        'The worker of the step was lost: no heartbeat arrived in time, on the last attempt too. See the log of the worker and whether it was short of memory.',
    };
  return { code: 'TIMEOUT', message: `The step took longer than its "timeout". ${ERRORS.TIMEOUT.hint}` };
}
