import type { TraceReference } from '../core/trace.ts';
import type { Attributes, MetricName } from './names.ts';

/** Which of Perennial's processes tells. */
export type ProcessKind = 'cli' | 'worker' | 'server' | 'trainer';

export interface OpenSpan {
  set(attributes: Attributes): void;
  /** Ends it; with an error it failed. */
  end(error?: unknown): void;
  /** Runs something within it. */
  within<T>(run: () => T): T;
  /** W3C form of this very span, for those who asked. */
  readonly traceparent: string;
}

export interface SpanOptions {
  readonly kind?: 'internal' | 'server' | 'client';
  readonly attributes?: Attributes;
  /** W3C headers, or the environment of a process: whose part this span is. */
  readonly from?: Readonly<Record<string, unknown>>;
  readonly links?: readonly TraceReference[];
}

/** The side that does it, loaded on demand. */
export interface Telemetry {
  readonly traces: boolean;
  openSpan(name: string, options: SpanOptions): OpenSpan;
  measure(metric: MetricName, value: number, attributes: Attributes): void;
  annotate(attributes: Attributes): void;
  /** Where the caller is. */
  current(): TraceReference | undefined;
  inject(): Record<string, string>;
  shutdown(): Promise<void>;
}

/** What of an error may be told: a code, never a message. */
export function errorType(error: unknown): string {
  const { code, type, name } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown;
    type?: unknown;
    name?: unknown;
  };
  const told = [code, type, name].find((word) => typeof word === 'string' && /^[\w.]{1,64}$/.test(word));
  return (told as string | undefined) ?? 'INTERNAL';
}
