import { describe, expect, it } from 'vitest';
import { wantedTelemetry } from '../../../src/telemetry/environment.ts';

const wanted = (env: Record<string, string>) => wantedTelemetry(env);

describe('what the environment asks for', () => {
  it('is nothing by default, although OpenTelemetry would send to localhost', () => {
    expect(wanted({})).toEqual({ traces: false, metrics: false, protocol: 'http/protobuf', notes: [] });
    expect(wanted({ OTEL_SERVICE_NAME: 'x', OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_TRACES_EXPORTER: '' })).toMatchObject({
      traces: false,
      metrics: false,
    });
  });

  it('is told by an endpoint or an exporter, for all or for one', () => {
    expect(wanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x:4318' })).toMatchObject({ traces: true, metrics: true });
    expect(wanted({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://x/v1/traces' })).toMatchObject({ traces: true, metrics: false });
    expect(wanted({ OTEL_METRICS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toMatchObject({
      traces: false,
      metrics: true,
      protocol: 'grpc',
    });
    expect(wanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x:4318', OTEL_METRICS_EXPORTER: 'none' })).toMatchObject({
      traces: true,
      metrics: false,
    });
    expect(wanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x:4318', OTEL_SDK_DISABLED: 'TRUE' })).toMatchObject({
      traces: false,
      metrics: false,
      notes: [],
    });
  });

  it('is named where it is not done', () => {
    expect(wanted({ OTEL_TRACES_EXPORTER: 'console' })).toMatchObject({
      traces: false,
      notes: [expect.stringContaining('OTEL_TRACES_EXPORTER is "console"')],
    });
    expect(wanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'x', OTEL_EXPORTER_OTLP_PROTOCOL: 'carrier-pigeon' })).toMatchObject({
      protocol: 'http/protobuf',
      notes: [expect.stringContaining('carrier-pigeon')],
    });
    expect(wanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'x', OTEL_PROPAGATORS: 'b3' }).notes).toEqual([expect.stringContaining('W3C')]);
  });
});
