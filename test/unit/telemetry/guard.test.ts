import { SpanStatusCode } from '@opentelemetry/api';
import { tracing } from '@opentelemetry/sdk-node';
import { describe, expect, it } from 'vitest';
import { guardedExporter } from '../../../src/telemetry/guard.ts';

describe('the guard before the exporter', () => {
  it('lets through what the tables know, and of an error its class', () => {
    const memory = new tracing.InMemorySpanExporter();
    const tracer = new tracing.BasicTracerProvider({
      spanProcessors: [new tracing.SimpleSpanProcessor(guardedExporter(memory))],
    }).getTracer('test');
    const span = tracer.startSpan('RunActivity:ingest@1', {
      attributes: {
        'perennial.step.type': 'ingest',
        row: 'Torgersen,39.1',
        'error.type': 'no: "Torgersen"',
        temporalTerminateReason: 'because of Torgersen',
      },
    });
    span.recordException(new TypeError('"Torgersen" is no number'));
    span.addEvent('Torgersen', { row: 'Torgersen' });
    span.setStatus({ code: SpanStatusCode.ERROR, message: '"Torgersen" is no number' });
    span.end();
    tracer.startSpan('a row: Torgersen').end();
    const [told, ...more] = memory.getFinishedSpans();
    expect(more).toEqual([]);
    expect(told).toMatchObject({ name: 'RunActivity:ingest@1', status: { code: SpanStatusCode.ERROR }, ended: true });
    expect(told!.attributes).toEqual({ 'perennial.step.type': 'ingest' });
    expect(told!.events.map(({ name, attributes }) => ({ name, attributes }))).toEqual([
      { name: 'exception', attributes: { 'exception.type': 'TypeError' } },
    ]);
    expect(told!.spanContext().traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(JSON.stringify({ ...told!.status, events: told!.events, attributes: told!.attributes })).not.toContain('Torgersen');
  });
});
