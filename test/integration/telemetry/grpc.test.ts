import { join } from 'node:path';
import { Client, Metadata, credentials } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_INFERENCE } from '../../../src/server/grpc/open-inference-messages.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { startReceiver } from '../../support/otlp/receiver.ts';
import type { OtlpReceiver, ReceivedSpan } from '../../support/otlp/receiver.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';
import { fixtureOver, registerConstant } from '../serving/models.ts';
import { startServerProcess } from '../serving/server-process.ts';
import type { ServerProcess } from '../serving/server-process.ts';

const home = tempDir('grpc-spans');
const INFER = 'inference.GRPCInferenceService/ModelInfer';
let receiver: OtlpReceiver;
let server: ServerProcess;
let client: Client;

beforeAll(async () => {
  receiver = await startReceiver();
  const fixture = fixtureOver(new FileStore(join(home, 'store')), join(home, 'cache'));
  await registerConstant(fixture, 'm', 0);
  await fixture.registry.promote('m', 1, { who: 'test', why: 'test' });
  server = await startServerProcess({
    PERENNIAL_HOME: home,
    PERENNIAL_STORE: `file:${join(home, 'store')}`,
    PERENNIAL_GRPC_PORT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_METRIC_EXPORT_INTERVAL: '300',
  });
  const [, address] = await until(() => /"grpc":"([^"]+)"/.exec(server.log()) ?? undefined);
  client = new Client(address!, credentials.createInsecure());
});
afterAll(async () => {
  client?.close();
  await server?.stop();
  await receiver?.close();
});

function infer(model: string, headers: Record<string, string>): Promise<{ code: number; traceresponse: string | undefined }> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const tensor = (name: string) => ({ name, datatype: 'FP64', shape: [1], contents: { fp64_contents: [1] } });
  return new Promise((resolve) => {
    let traceresponse: string | undefined;
    client
      .makeUnaryRequest(
        `/${INFER}`,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        OPEN_INFERENCE.encode('ModelInferRequest', { model_name: model, inputs: [tensor('a'), tensor('b')] }),
        metadata,
        (error: ServiceError | null) => resolve({ code: error?.code ?? 0, traceresponse }),
      )
      .on('metadata', (told) => (traceresponse = told.get('traceresponse')[0]?.toString()));
  });
}

const spanOf = (traceId: string, name: string): Promise<ReceivedSpan> =>
  until(() => receiver.spans.find((span) => span.traceId === traceId && span.name === name));

describe('a call over gRPC', () => {
  it('is a span of the trace that it came with, and holds the prediction, as a request over HTTP does', async () => {
    const traceId = 'a'.repeat(32);
    const { code, traceresponse } = await infer('m', { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` });
    expect(code).toBe(0);
    const call = await spanOf(traceId, INFER);
    expect(traceresponse).toBe(`00-${traceId}-${call.spanId}-01`);
    expect(call).toMatchObject({
      kind: 'SPAN_KIND_SERVER',
      parentSpanId: 'b'.repeat(16),
      resource: { 'service.name': 'perennial-server' },
      attributes: {
        'rpc.system.name': 'grpc',
        'rpc.method': INFER,
        'rpc.response.status_code': 'OK',
        'perennial.model.name': 'm',
        'perennial.model.version': 1,
      },
    });
    expect(await spanOf(traceId, 'predict m')).toMatchObject({
      parentSpanId: call.spanId,
      attributes: { 'perennial.model.version': 1, 'perennial.rows': 1 },
    });
  });

  it('that is refused says with which status, and is no failure of the server', async () => {
    const traceId = 'c'.repeat(32);
    expect(await infer('geese', { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` })).toMatchObject({ code: 5 });
    const call = await spanOf(traceId, INFER);
    expect(call.attributes).toMatchObject({ 'rpc.response.status_code': 'NOT_FOUND' });
    expect(call.attributes).not.toHaveProperty('error.type');
    expect(call.status?.code ?? 'STATUS_CODE_UNSET').toBe('STATUS_CODE_UNSET');
  });

  it('is measured', async () => {
    const metric = await until(() => receiver.metrics.find(({ name }) => name === 'rpc.server.call.duration'));
    expect(metric.unit).toBe('s');
    expect(metric.points[0]!.attributes).toMatchObject({ 'rpc.method': INFER });
  });
});
