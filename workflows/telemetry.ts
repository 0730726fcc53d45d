import { ApplicationFailure, CancelledFailure, TemporalFailure, TimeoutFailure } from '@temporalio/common';
import { proxySinks, workflowInfo } from '@temporalio/workflow';
import type { Sinks, WorkflowInterceptors } from '@temporalio/workflow';
import { ERRORS } from '../src/core/errors.ts';
import type { PipelineInput, RunView } from '../src/core/run.ts';
import type { RunEnd, RunFacts } from '../src/core/run-telemetry.ts';

/** What the workflow tells the worker: no command, nothing in the history, and silent while a history is replayed. */
export interface TelemetrySinks extends Sinks {
  readonly telemetry: {
    started(facts: RunFacts): void;
    ended(facts: RunFacts, end: RunEnd): void;
  };
}

const { telemetry } = proxySinks<TelemetrySinks>();

/** Part of the bundle with traces only; the other one runs without any interceptor. */
export const interceptors = (): WorkflowInterceptors => ({
  inbound: [
    {
      async execute(input, next) {
        if (workflowInfo().workflowType !== 'pipeline') return next(input);
        const { plan, trigger } = input.args[0] as PipelineInput;
        const facts: RunFacts = { pipeline: plan.pipeline, trigger };
        telemetry.started(facts);
        try {
          const view = (await next(input)) as RunView;
          telemetry.ended(
            facts,
            endOf(
              view.status === 'completed'
                ? { result: 'success' }
                : view.status === 'skipped' || view.status === 'nothingNew'
                  ? { result: 'skip' }
                  : { result: 'failure', error: 'GATE_REJECTED' },
              view.verdict,
            ),
          );
          return view;
        } catch (error) {
          // Anything else fails the task, not the run: it is tried again.
          if (error instanceof TemporalFailure) telemetry.ended(facts, endOf(failureOf(error), null));
          throw error;
        }
      },
    },
  ],
});

function endOf(end: Pick<RunEnd, 'result' | 'error'>, verdict: string | null): RunEnd {
  return { ...end, ...(verdict === null ? {} : { verdict }), seconds: (Date.now() - workflowInfo().startTime.getTime()) / 1_000 };
}

function failureOf(error: TemporalFailure): Pick<RunEnd, 'result' | 'error'> {
  if (error instanceof CancelledFailure) return { result: 'cancellation', error: 'CANCELLED' };
  if (error instanceof TimeoutFailure) return { result: 'timeout', error: 'TIMEOUT' };
  const code = error instanceof ApplicationFailure ? (error.type ?? 'INTERNAL') : 'INTERNAL';
  if (code === 'TIMEOUT') return { result: 'timeout', error: code };
  const known = Object.hasOwn(ERRORS, code) ? ERRORS[code as keyof typeof ERRORS] : undefined;
  return { result: known === undefined || known.category === 'system' ? 'error' : 'failure', error: code };
}
