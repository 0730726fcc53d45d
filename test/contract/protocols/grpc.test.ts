import { ownerGuard } from '../../../src/access/guard.ts';
import { Client, Metadata, credentials } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGrpc } from '../../../src/server/grpc/start-grpc.ts';
import type { RunningGrpc } from '../../../src/server/grpc/start-grpc.ts';
import { decode, encode } from '../../../src/server/grpc/messages.ts';
import { FakeSource, recordingLog } from '../../unit/serving/doubles.ts';
import { startTestApp } from '../../unit/serving/test-app.ts';
import type { TestApp } from '../../unit/serving/test-app.ts';

const TOKEN = 'a-token-of-this-test';
let app: TestApp;
let grpc: RunningGrpc;
let client: Client;

beforeAll(async () => {
  const source = new FakeSource();
  source.route('penguins', { champion: 3, challenger: 2 });
  app = await startTestApp(source);
  const { service, metrics } = app;
  grpc = await startGrpc({
    service,
    metrics,
    log: recordingLog(),
    packageVersion: '9.9.9',
    host: '127.0.0.1',
    port: 0,
    guard: ownerGuard(TOKEN),
  });
  client = new Client(grpc.address, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await grpc.stop();
  await app.close();
});

/** One call; the version of the answer is beside it. */
async function call(
  method: string,
  [request, response]: readonly [string, string],
  message: object,
  headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` },
) {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise<{ code: number; error?: string; body?: any; version?: string | undefined }>((resolve) => {
    let version: string | undefined;
    client
      .makeUnaryRequest(
        `/inference.GRPCInferenceService/${method}`,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        encode(request, message),
        metadata,
        (error: ServiceError | null, bytes?: Buffer) =>
          resolve(error === null ? { code: 0, body: decode(response, bytes!), version } : { code: error.code, error: error.details }),
      )
      .on('metadata', (told) => (version = told.get('x-perennial-version')[0]?.toString()));
  });
}

const INFER = ['ModelInferRequest', 'ModelInferResponse'] as const;
const MASS = { name: 'body_mass_g', datatype: 'FP64', shape: [2] };
const doubles = (...values: number[]): Buffer => Buffer.from(new Float64Array(values).buffer);

describe('Open Inference Protocol v2 over gRPC', () => {
  it('answers raw contents and typed ones', async () => {
    const raw = await call('ModelInfer', INFER, { model_name: 'penguins', id: 'one', inputs: [MASS], raw_input_contents: [doubles(1, 2)] });
    expect(raw).toMatchObject({ code: 0, version: '3', body: { model_name: 'penguins', model_version: '3', id: 'one' } });
    expect(raw.body.outputs).toEqual([
      { name: 'label', datatype: 'BYTES', shape: ['2'], parameters: {} },
      { name: 'probabilities', datatype: 'FP64', shape: ['2', '3'], parameters: {} },
    ]);
    expect(raw.body.raw_output_contents[0].subarray(4, 10).toString()).toBe('Gentoo');
    expect(raw.body.raw_output_contents[1]).toEqual(doubles(0, 0, 1, 0, 0, 1));
    const typed = await call('ModelInfer', INFER, {
      model_name: 'penguins',
      model_version: '2',
      inputs: [
        { ...MASS, contents: { fp64_contents: [1, 2] } },
        { name: 'island', datatype: 'BYTES', shape: [2], contents: { bytes_contents: [Buffer.from('Biscoe'), Buffer.from('Île')] } },
      ],
      outputs: [{ name: 'label' }],
    });
    expect(typed).toMatchObject({ code: 0, version: '2', body: { outputs: [{ name: 'label' }] } });
    expect(typed.body.raw_output_contents).toHaveLength(1);
  });

  it('names the largest classes where a classification is asked for', async () => {
    const { body } = await call('ModelInfer', INFER, {
      model_name: 'penguins',
      inputs: [{ ...MASS, shape: [1], contents: { fp64_contents: [1] } }],
      outputs: [{ name: 'probabilities', parameters: { classification: { int64_param: 1 } } }],
    });
    expect(body.outputs[0]).toMatchObject({ datatype: 'BYTES', shape: ['1', '1'] });
    expect(body.raw_output_contents[0].subarray(4).toString()).toBe('1:2:Gentoo');
  });

  it.each([
    ['an unknown model', { model_name: 'geese', inputs: [MASS], raw_input_contents: [doubles(1, 2)] }, 5, /no model "geese"/],
    ['no inputs', { model_name: 'penguins' }, 3, /"inputs" must be an array of at least one tensor/],
    [
      'too few raw contents',
      { model_name: 'penguins', inputs: [MASS, MASS], raw_input_contents: [doubles(1, 2)] },
      3,
      /2 inputs, but 1 "raw_input_contents"/,
    ],
    [
      'contents of another type',
      { model_name: 'penguins', inputs: [{ ...MASS, contents: { fp32_contents: [1, 2] } }] },
      3,
      /belong into "fp64_contents", not "fp32_contents"/,
    ],
    [
      'both kinds of contents',
      { model_name: 'penguins', inputs: [{ ...MASS, contents: { fp64_contents: [1, 2] } }], raw_input_contents: [doubles(1, 2)] },
      3,
      /give one of them/,
    ],
    [
      'a wrong number of bytes',
      { model_name: 'penguins', inputs: [MASS], raw_input_contents: [doubles(1)] },
      3,
      /2 values of FP64 are 16 bytes/,
    ],
    [
      'an unknown datatype',
      { model_name: 'penguins', inputs: [{ ...MASS, datatype: 'FP8', contents: { fp64_contents: [1] } }] },
      3,
      /"FP8" has no typed contents/,
    ],
  ])('refuses %s', async (_title, message, code, error) => {
    expect(await call('ModelInfer', INFER, message)).toMatchObject({ code, error: expect.stringMatching(error) });
  });

  it('tells of itself and its models', async () => {
    expect((await call('ServerMetadata', ['Empty', 'ServerMetadataResponse'], {})).body).toMatchObject({
      name: 'perennial',
      version: '9.9.9',
    });
    expect((await call('ModelMetadata', ['NamedModel', 'ModelMetadataResponse'], { name: 'penguins' })).body).toMatchObject({
      platform: 'perennial_bundle',
      inputs: [{ name: 'body_mass_g', datatype: 'FP64', shape: ['-1'] }, { name: 'island' }],
      outputs: [{ name: 'label' }, { name: 'probabilities', shape: ['-1', '3'] }],
    });
    expect((await call('ModelConfig', ['NamedModel', 'ModelConfigResponse'], { name: 'penguins' })).body.config).toMatchObject({
      max_batch_size: 10_000,
      input: [
        { name: 'body_mass_g', dims: ['1'] },
        { name: 'island', optional: true },
      ],
    });
    expect((await call('RepositoryIndex', ['RepositoryIndexRequest', 'RepositoryIndexResponse'], {})).body.models).toHaveLength(2);
    expect((await call('ModelStatistics', ['NamedModel', 'ModelStatisticsResponse'], {})).body.model_stats.length).toBeGreaterThan(0);
    expect((await call('ModelReady', ['NamedModel', 'ModelReadyResponse'], { name: 'penguins', version: '1' })).body).toEqual({
      ready: true,
    });
    expect(await call('RepositoryModelLoad', ['RepositoryModelRequest', 'Empty'], { model_name: 'penguins' })).toMatchObject({ code: 0 });
    expect(await call('RepositoryModelUnload', ['RepositoryModelRequest', 'Empty'], { model_name: 'penguins' })).toMatchObject({ code: 3 });
  });

  it('asks for the token, but of health', async () => {
    expect(await call('ServerMetadata', ['Empty', 'ServerMetadataResponse'], {}, {})).toMatchObject({
      code: 16,
      error: expect.stringContaining('authorization: Bearer TOKEN'),
    });
    expect(await call('ServerLive', ['Empty', 'ServerLiveResponse'], {}, {})).toMatchObject({ code: 0, body: { live: true } });
    expect(await call('ServerReady', ['Empty', 'ServerReadyResponse'], {}, {})).toMatchObject({ code: 0, body: { ready: true } });
  });
});
