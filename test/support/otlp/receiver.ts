import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import * as descriptor from 'protobufjs/ext/descriptor.js';
import { packageRoot } from '../../../src/platform/paths.ts';

export type Value = string | number | boolean;

export interface ReceivedSpan {
  readonly name: string;
  readonly kind: string;
  readonly traceId: string;
  readonly spanId: string;
  /** '' for a root. */
  readonly parentSpanId: string;
  readonly attributes: Readonly<Record<string, Value>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, Value>> }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code: string; readonly message: string };
  /** `service.name` and the like. */
  readonly resource: Readonly<Record<string, Value>>;
  readonly milliseconds: number;
}

export interface ReceivedMetric {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly kind: 'sum' | 'gauge' | 'histogram';
  readonly points: readonly { readonly attributes: Readonly<Record<string, Value>>; readonly value: number; readonly count: number }[];
  readonly resource: Readonly<Record<string, Value>>;
}

export interface OtlpReceiver {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  readonly metrics: ReceivedMetric[];
  /** What came, byte for byte: for a look at what must not be there. */
  readonly bodies: Buffer[];
  readonly contentTypes: Set<string>;
  close(): Promise<void>;
}

/** A receiver of OTLP over HTTP that reads what comes by the official descriptors (make_descriptors.py). */
export async function startReceiver(): Promise<OtlpReceiver> {
  const root = (protobuf.Root as unknown as { fromDescriptor(set: unknown): protobuf.Root }).fromDescriptor(
    (descriptor as unknown as { FileDescriptorSet: protobuf.Type }).FileDescriptorSet.decode(
      readFileSync(join(packageRoot(), 'test/support/otlp/otlp.binpb')),
    ),
  );
  root.resolveAll();
  const types = {
    '/v1/traces': root.lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest'),
    '/v1/metrics': root.lookupType('opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest'),
  };
  const receiver: Omit<OtlpReceiver, 'url' | 'close'> = { spans: [], metrics: [], bodies: [], contentTypes: new Set() };
  const server = createServer((request, response) => {
    void bodyOf(request).then(
      (body) => {
        const type = types[request.url as keyof typeof types];
        if (type === undefined) {
          response.writeHead(404).end();
          return;
        }
        receiver.bodies.push(body);
        receiver.contentTypes.add(request.headers['content-type'] ?? '');
        const message = type.toObject(type.decode(body), {
          longs: String,
          enums: String,
          bytes: Buffer,
          defaults: true,
          arrays: true,
          oneofs: true,
        }) as Json;
        if (request.url === '/v1/traces') receiver.spans.push(...spansOf(message));
        else receiver.metrics.push(...metricsOf(message));
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      },
      (error: unknown) => response.writeHead(400).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    ...receiver,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const whole = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole;
}

type Json = any;

function spansOf(message: Json): ReceivedSpan[] {
  return message.resource_spans.flatMap(({ resource, scope_spans }: Json) =>
    scope_spans.flatMap(({ spans }: Json) =>
      spans.map((span: Json): ReceivedSpan => ({
        name: span.name,
        kind: span.kind,
        traceId: hex(span.trace_id),
        spanId: hex(span.span_id),
        parentSpanId: hex(span.parent_span_id),
        attributes: valuesOf(span.attributes),
        events: span.events.map((event: Json) => ({ name: event.name, attributes: valuesOf(event.attributes) })),
        links: span.links.map((link: Json) => ({ traceId: hex(link.trace_id), spanId: hex(link.span_id) })),
        status: { code: span.status?.code ?? 'STATUS_CODE_UNSET', message: span.status?.message ?? '' },
        resource: valuesOf(resource.attributes),
        milliseconds: (Number(span.end_time_unix_nano) - Number(span.start_time_unix_nano)) / 1e6,
      })),
    ),
  );
}

function metricsOf(message: Json): ReceivedMetric[] {
  return message.resource_metrics.flatMap(({ resource, scope_metrics }: Json) =>
    scope_metrics.flatMap(({ metrics }: Json) =>
      metrics.map((metric: Json): ReceivedMetric => {
        const kind = (['sum', 'gauge', 'histogram'] as const).find((name) => metric[name] !== undefined && metric[name] !== null)!;
        return {
          name: metric.name,
          unit: metric.unit,
          description: metric.description,
          kind,
          resource: valuesOf(resource.attributes),
          points: metric[kind].data_points.map((point: Json) => ({
            attributes: valuesOf(point.attributes),
            value: Number(point.sum ?? point.as_double ?? point.as_int ?? 0),
            count: Number(point.count ?? 1),
          })),
        };
      }),
    ),
  );
}

function valuesOf(attributes: Json[]): Record<string, Value> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.value === 'int_value' ? Number(value.int_value) : value[value.value]]),
  );
}

function hex(bytes: Buffer): string {
  return Buffer.from(bytes).toString('hex');
}
