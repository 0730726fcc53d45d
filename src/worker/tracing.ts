import type { InjectedSinks, WorkerOptions } from '@temporalio/worker';
import type { tracing } from '@opentelemetry/sdk-node';
import { runIdOf } from '../core/run.ts';
import type { RunEnd } from '../core/run-telemetry.ts';
import { spanOutlet } from '../telemetry/sdk.ts';
import { measure } from '../telemetry/telemetry.ts';
import type { TelemetrySinks } from '../../workflows/telemetry.ts';

/** Loaded where traces or metrics are told. */
export async function tracingOptions(): Promise<Pick<WorkerOptions, 'interceptors' | 'sinks'>> {
  const { OpenTelemetryActivityInboundInterceptor, OpenTelemetryActivityOutboundInterceptor, makeWorkflowExporter } =
    await import('@temporalio/interceptors-opentelemetry');
  const ends = new Map<string, RunEnd & { readonly pipeline: string; readonly trigger: string }>();
  const outlet = spanOutlet();
  // The package speaks version 1 of the SDK: its spans are passed on in the form of version 2.
  const translator = {
    onEnd: (span: OldSpan) => {
      const translated = translate(span, ends);
      if (outlet !== undefined && translated !== undefined) outlet.processor.onEnd({ ...translated, resource: outlet.resource });
    },
  };
  const sinks: InjectedSinks<TelemetrySinks> = {
    telemetry: {
      started: {
        fn: (_info, { pipeline }) =>
          measure('cicd.pipeline.run.active', 1, { 'cicd.pipeline.name': pipeline, 'cicd.pipeline.run.state': 'executing' }),
      },
      ended: {
        fn: ({ runId }, facts, end) => {
          ends.set(runId, { ...facts, ...end });
          if (ends.size > ENDS_MAX) ends.delete(ends.keys().next().value!);
          const name = { 'cicd.pipeline.name': facts.pipeline };
          const error = end.error === undefined ? {} : { 'error.type': end.error };
          measure('cicd.pipeline.run.active', -1, { ...name, 'cicd.pipeline.run.state': 'executing' });
          measure('cicd.pipeline.run.duration', end.seconds, {
            ...name,
            'cicd.pipeline.run.state': 'executing',
            'cicd.pipeline.result': end.result,
            'perennial.trigger': facts.trigger,
            ...error,
          });
          if (end.error !== undefined && end.result !== 'cancellation') measure('cicd.pipeline.run.errors', 1, { ...name, ...error });
        },
      },
    },
  };
  const exporter = makeWorkflowExporter(
    translator as unknown as Parameters<typeof makeWorkflowExporter>[0],
    {} as Parameters<typeof makeWorkflowExporter>[1],
  );
  return {
    sinks: { ...sinks, exporter } as unknown as InjectedSinks<Record<string, never>>,
    interceptors: {
      activity: [
        (ctx) => ({
          inbound: new OpenTelemetryActivityInboundInterceptor(ctx),
          outbound: new OpenTelemetryActivityOutboundInterceptor(ctx),
        }),
      ],
    },
  };
}

/** Runs whose last span has not come yet; it comes right after. */
const ENDS_MAX = 1_000;

/** A span of version 1, with the facts of its workflow among its attributes. */
type OldSpan = Omit<tracing.ReadableSpan, 'instrumentationScope' | 'parentSpanContext' | 'resource'> & {
  readonly parentSpanId?: string;
  readonly instrumentationLibrary: tracing.ReadableSpan['instrumentationScope'];
};

/** Signals of progress and questions for the state of a run come all the time, and belong to no trace. */
const NOISE = /^(HandleSignal|HandleQuery|QueryWorkflow):/;

function translate(
  span: OldSpan,
  ends: Map<string, RunEnd & { readonly pipeline: string; readonly trigger: string }>,
): Omit<tracing.ReadableSpan, 'resource'> | undefined {
  if (NOISE.test(span.name)) return undefined;
  const { parentSpanId, instrumentationLibrary, ...rest } = span;
  const { traceId, traceFlags } = span.spanContext();
  const { workflowId, runId, temporalUpdateId } = span.attributes;
  // Of what Temporal's package adds (memo, search attributes, times), the two ids.
  const attributes: Record<string, string> = {
    ...(typeof workflowId === 'string' ? { temporalWorkflowId: workflowId } : {}),
    ...(typeof runId === 'string' ? { run_id: runId } : {}),
    ...(typeof temporalUpdateId === 'string' ? { temporalUpdateId } : {}),
  };
  if (span.name === 'RunWorkflow:pipeline' && typeof workflowId === 'string' && typeof runId === 'string')
    Object.assign(attributes, runAttributes(workflowId, ends.get(runId)));
  if (typeof runId === 'string' && span.name === 'RunWorkflow:pipeline') ends.delete(runId);
  return {
    ...rest,
    spanContext: () => span.spanContext(),
    attributes,
    instrumentationScope: instrumentationLibrary,
    ...(parentSpanId === undefined ? {} : { parentSpanContext: { traceId, spanId: parentSpanId, traceFlags } }),
  };
}

function runAttributes(
  workflowId: string,
  end: (RunEnd & { readonly pipeline: string; readonly trigger: string }) | undefined,
): Record<string, string> {
  return {
    'cicd.pipeline.name': workflowId.slice(0, Math.max(workflowId.indexOf('/'), 0)),
    'cicd.pipeline.run.id': runIdOf(workflowId),
    ...(end === undefined
      ? {}
      : {
          'cicd.pipeline.result': end.result,
          'perennial.trigger': end.trigger,
          ...(end.error === undefined ? {} : { 'error.type': end.error }),
          ...(end.verdict === undefined ? {} : { 'perennial.verdict': end.verdict }),
        }),
  };
}
