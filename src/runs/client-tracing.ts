import type { WorkflowClientInterceptor } from '@temporalio/client';
import { tracesAreTold } from '../telemetry/telemetry.ts';

/** What a client of Temporal is made with so that a trace goes on in what it starts; empty while no traces are told. */
export async function clientInterceptors(): Promise<{ interceptors?: { workflow: WorkflowClientInterceptor[] } }> {
  if (!tracesAreTold()) return {};
  const { OpenTelemetryWorkflowClientInterceptor } = await import('@temporalio/interceptors-opentelemetry');
  /** Runs are looked at several times a second while they are followed: that would bury their traces. */
  class QuietInterceptor extends OpenTelemetryWorkflowClientInterceptor {
    override query: NonNullable<WorkflowClientInterceptor['query']> = (input, next) => next(input);
    override describe: NonNullable<WorkflowClientInterceptor['describe']> = (input, next) => next(input);
  }
  return { interceptors: { workflow: [new QuietInterceptor()] } };
}
