import type { TraceReference } from '../core/trace.ts';
import type { OpenSpan, ProcessKind, SpanOptions, Telemetry } from './contract.ts';
import { wantedTelemetry } from './environment.ts';
import type { Attributes, MetricName } from './names.ts';

export { errorType } from './contract.ts';
export type { OpenSpan } from './contract.ts';

/*
 * What the rest of the code tells. Until startTelemetry found a reason in the environment every call here is an empty function,
 * and no module of OpenTelemetry is loaded.
 */
const SILENT: OpenSpan = { set() {}, end() {}, within: (run) => run(), traceparent: '' };

let active: Telemetry | undefined;

/** Starts telling, where the environment says so. A second call changes nothing. */
export async function startTelemetry(kind: ProcessKind): Promise<void> {
  if (active !== undefined) return;
  const wanted = wantedTelemetry();
  for (const note of wanted.notes) process.stderr.write(`telemetry: ${note}\n`);
  if (!wanted.traces && !wanted.metrics) return;
  const { createTelemetry } = await import('./sdk.ts');
  active = createTelemetry(kind, wanted);
}

/** Sends what is left. Never throws, and waits for a receiver that is away for a few seconds at most. */
export async function stopTelemetry(): Promise<void> {
  const ending = active;
  active = undefined;
  await ending?.shutdown();
}

/** Whether traces are told: for code that has to prepare for it. */
export function tracesAreTold(): boolean {
  return active?.traces === true;
}

export function telemetryIsOn(): boolean {
  return active !== undefined;
}

/** Runs something as a span. It fails with what was thrown. */
export async function traced<T>(name: string, options: SpanOptions, run: (span: OpenSpan) => Promise<T>): Promise<T> {
  if (active === undefined) return run(SILENT);
  const span = active.openSpan(name, options);
  try {
    const result = await span.within(() => run(span));
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}

/** For what begins and ends in different places. */
export function openSpan(name: string, options: SpanOptions): OpenSpan {
  return active === undefined ? SILENT : active.openSpan(name, options);
}

/** Adds to a counter, or gives a histogram or a gauge a value. */
export function measure(metric: MetricName, value: number, attributes: Attributes = {}): void {
  active?.measure(metric, value, attributes);
}

/** Attributes for the span that the caller is in. */
export function annotate(attributes: Attributes): void {
  active?.annotate(attributes);
}

/** The trace and span that the caller is in. */
export function currentTrace(): TraceReference | undefined {
  return active?.current();
}

/** For lines of a log: `trace_id` and `span_id` of where the caller is. */
export function logFields(): Record<string, string> {
  const trace = active?.current();
  return trace === undefined ? {} : { trace_id: trace.traceId, span_id: trace.spanId };
}

/** `traceparent` and `tracestate` for a request to somebody else. */
export function traceHeaders(): Record<string, string> {
  return active?.inject() ?? {};
}

/** The same for the environment of a program: TRACEPARENT, TRACESTATE. */
export function traceEnvironment(): Record<string, string> {
  return Object.fromEntries(Object.entries(traceHeaders()).map(([name, value]) => [name.toUpperCase(), value]));
}
