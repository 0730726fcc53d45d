import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  context,
  diag,
  isSpanContextValid,
  metrics,
  propagation,
  trace,
} from '@opentelemetry/api';
import type { DiagLogger, Span, SpanContext, TextMapGetter } from '@opentelemetry/api';
import { NodeSDK, core, resources, tracing } from '@opentelemetry/sdk-node';
import { messageOf } from '../core/errors.ts';
import type { TraceReference } from '../core/trace.ts';
import { packageRoot } from '../platform/paths.ts';
import { errorType } from './contract.ts';
import type { OpenSpan, ProcessKind, SpanOptions, Telemetry } from './contract.ts';
import type { Wanted } from './environment.ts';
import { guardedExporter } from './guard.ts';
import { METRICS, isAllowed } from './names.ts';
import type { Attributes, MetricName } from './names.ts';

/** How long the end of a process waits for a receiver. */
const FAREWELL_MS = 5_000;
const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT } as const;
const EXPORTERS = { 'http/protobuf': 'proto', 'http/json': 'http', grpc: 'grpc' } as const;

export interface SpanOutlet {
  readonly processor: tracing.SpanProcessor;
  readonly resource: resources.Resource;
}

let outlet: SpanOutlet | undefined;

/** Where spans go that were made elsewhere: in the realm of workflows. */
export function spanOutlet(): SpanOutlet | undefined {
  return outlet;
}

/** OpenTelemetry's Node SDK as the environment describes it, over OTLP. */
export function createTelemetry(kind: ProcessKind, wanted: Wanted): Telemetry {
  const resource = resourceOf(kind);
  const processor = wanted.traces ? new tracing.BatchSpanProcessor(guardedExporter(traceExporter(wanted.protocol))) : undefined;
  outlet = processor === undefined ? undefined : { processor, resource };
  const sdk = new NodeSDK({
    resource,
    // No detector of processes and hosts: arguments and environment are nobody's business.
    autoDetectResources: false,
    spanProcessors: processor === undefined ? [] : [processor],
    // No baggage: what a client puts into it would reach every request to others.
    textMapPropagator: new core.W3CTraceContextPropagator(),
    logRecordProcessors: [],
    ...(wanted.metrics ? {} : { metricReaders: [] }),
  });
  diag.setLogger(patientLogger(), { logLevel: logLevel(), suppressOverrideMessage: true });
  sdk.start();
  return new SdkTelemetry(sdk, wanted.traces);
}

class SdkTelemetry implements Telemetry {
  readonly traces: boolean;
  readonly #sdk: NodeSDK;
  readonly #tracer = trace.getTracer('perennial');
  readonly #instruments = new Map<MetricName, (value: number, attributes: Record<string, string | number | boolean>) => void>();

  constructor(sdk: NodeSDK, traces: boolean) {
    this.#sdk = sdk;
    this.traces = traces;
  }

  openSpan(name: string, { kind = 'internal', attributes = {}, from, links = [] }: SpanOptions): OpenSpan {
    const parent = from === undefined ? context.active() : propagation.extract(ROOT_CONTEXT, from, HEADERS);
    const span = this.#tracer.startSpan(
      name,
      { kind: KINDS[kind], attributes: given(attributes), links: links.map((link) => ({ context: contextOf(link) })) },
      parent,
    );
    const within = trace.setSpan(parent, span);
    return {
      set: (more) => void span.setAttributes(given(more)),
      end: (error) => endSpan(span, error),
      within: (run) => context.with(within, run),
      traceparent: traceparentOf(span.spanContext()),
    };
  }

  measure(metric: MetricName, value: number, attributes: Attributes): void {
    const known: readonly string[] = METRICS[metric].attributes;
    const kept: Record<string, string | number | boolean> = {};
    for (const [name, given] of Object.entries(attributes)) {
      if (given === undefined) continue;
      if (known.includes(name) && isAllowed(name, given)) kept[name] = given;
      else diag.warn(`the attribute "${name}" of the metric "${metric}" is not in src/telemetry/names.ts and is left out`);
    }
    let record = this.#instruments.get(metric);
    if (record === undefined) this.#instruments.set(metric, (record = instrumentOf(metric)));
    record(value, kept);
  }

  annotate(attributes: Attributes): void {
    trace.getActiveSpan()?.setAttributes(given(attributes));
  }

  current(): TraceReference | undefined {
    const place = trace.getActiveSpan()?.spanContext();
    return place === undefined || !isSpanContextValid(place) ? undefined : { traceId: place.traceId, spanId: place.spanId };
  }

  inject(): Record<string, string> {
    const headers: Record<string, string> = {};
    propagation.inject(context.active(), headers);
    return headers;
  }

  async shutdown(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), FAREWELL_MS)));
    try {
      if ((await Promise.race([this.#sdk.shutdown(), late])) === 'late')
        process.stderr.write(
          `telemetry: the receiver did not take the last traces and metrics within ${FAREWELL_MS / 1_000} s; they are lost\n`,
        );
    } catch (error) {
      process.stderr.write(`telemetry: the last traces and metrics are lost: ${messageOf(error)}\n`);
    } finally {
      clearTimeout(timer);
      outlet = undefined;
      for (const api of [trace, metrics, context, propagation, diag]) api.disable();
    }
  }
}

function given(attributes: Attributes): Record<string, string | number | boolean> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)) as Record<
    string,
    string | number | boolean
  >;
}

function endSpan(span: Span, error: unknown): void {
  if (error !== undefined) {
    span.setAttribute('error.type', errorType(error));
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

function instrumentOf(metric: MetricName): (value: number, attributes: Record<string, string | number | boolean>) => void {
  const meter = metrics.getMeter('perennial');
  const entry = METRICS[metric];
  const { kind, unit, description } = entry;
  if (kind === 'histogram') {
    const histogram = meter.createHistogram(metric, { unit, description, advice: { explicitBucketBoundaries: [...entry.buckets] } });
    return (value, attributes) => histogram.record(value, attributes);
  }
  if (kind === 'gauge') {
    const gauge = meter.createGauge(metric, { unit, description });
    return (value, attributes) => gauge.record(value, attributes);
  }
  const counter =
    kind === 'counter' ? meter.createCounter(metric, { unit, description }) : meter.createUpDownCounter(metric, { unit, description });
  return (value, attributes) => counter.add(value, attributes);
}

/** W3C headers as HTTP spells them, and as environments do. */
const HEADERS: TextMapGetter<Readonly<Record<string, unknown>>> = {
  keys: (carrier) => Object.keys(carrier),
  get: (carrier, key) => {
    const value = carrier[key] ?? carrier[key.toUpperCase()];
    return typeof value === 'string' ? value : undefined;
  },
};

function contextOf({ traceId, spanId }: TraceReference): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** The variables of the environment over what the process says of itself. */
function resourceOf(kind: ProcessKind): resources.Resource {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  const own = resources.resourceFromAttributes({
    'service.name': `perennial-${kind}`,
    'service.namespace': 'perennial',
    'service.version': version,
    'service.instance.id': randomUUID(),
  });
  return resources
    .defaultResource()
    .merge(own)
    .merge(resources.detectResources({ detectors: [resources.envDetector] }));
}

/** Of those that the Node SDK brings along: it would make one itself, with no place for a guard before it. */
function traceExporter(protocol: Wanted['protocol']): tracing.SpanExporter {
  const own = createRequire(import.meta.url);
  const { OTLPTraceExporter } = createRequire(own.resolve('@opentelemetry/sdk-node'))(
    `@opentelemetry/exporter-trace-otlp-${EXPORTERS[protocol]}`,
  ) as { OTLPTraceExporter: new () => tracing.SpanExporter };
  return new OTLPTraceExporter();
}

function logLevel(): DiagLogLevel {
  const name = process.env.OTEL_LOG_LEVEL?.trim().toUpperCase() ?? '';
  return (DiagLogLevel as unknown as Record<string, DiagLogLevel | undefined>)[name] ?? DiagLogLevel.WARN;
}

/** The same trouble is told once a minute: a receiver that is away for hours does not fill the logs. */
const REPEAT_MS = 60_000;

/** To stderr, whatever the level: stdout belongs to results. */
function patientLogger(): DiagLogger {
  const last = new Map<string, number>();
  const log = (message: string, ...more: unknown[]): void => {
    const text = [message, ...more.map((one) => (typeof one === 'string' ? one : messageOf(one)))].join(' ').slice(0, 500);
    const key = text.slice(0, 60);
    if (Date.now() - (last.get(key) ?? -Infinity) < REPEAT_MS) return;
    if (last.size > 100) last.clear();
    last.set(key, Date.now());
    process.stderr.write(`telemetry: ${text}\n`);
  };
  return { error: log, warn: log, info: log, debug: log, verbose: log };
}
