import type { Metadata } from '@grpc/grpc-js';
import { measure, openSpan, telemetryIsOn } from '../../telemetry/telemetry.ts';

/** Names of the status codes, by their numbers. */
const STATUSES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;
/** Those that are the fault of the server. */
const FAILURES = new Set<string>(['UNKNOWN', 'DEADLINE_EXCEEDED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS']);

export interface CallSpan {
  /** Runs something within it. */
  within<T>(run: () => T): T;
  /** @param code of gRPC; 0 is OK */
  end(code: number): void;
}

const SILENT: CallSpan = { within: (run) => run(), end() {} };

/**
 * A call as a span, part of the trace that its `traceparent` names, as requests over HTTP are. The metadata of the answer name the span in
 * `traceresponse`. Adds nothing where nothing is told.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/rpc/grpc/
 */
export function traceCall(route: string, given: Metadata, told: Metadata): CallSpan {
  if (!telemetryIsOn()) return SILENT;
  const started = performance.now();
  const which = { 'rpc.system.name': 'grpc', 'rpc.method': route };
  const span = openSpan(route, { kind: 'server', from: given.getMap(), attributes: which });
  if (span.traceparent !== '') told.set('traceresponse', span.traceparent);
  return {
    within: (run) => span.within(run),
    end(code) {
      const status = STATUSES[code] ?? 'UNKNOWN';
      const failed = FAILURES.has(status) ? { 'error.type': status } : {};
      span.set({ 'rpc.response.status_code': status });
      span.end(FAILURES.has(status) ? { code: status } : undefined);
      measure('rpc.server.call.duration', (performance.now() - started) / 1_000, {
        ...which,
        'rpc.response.status_code': status,
        ...failed,
      });
    },
  };
}
