import { ownerGuard } from '../../../src/access/guard.ts';
import { Client, Metadata, credentials } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGrpc } from '../../../src/server/grpc/start-grpc.ts';
import type { RunningGrpc } from '../../../src/server/grpc/start-grpc.ts';
import type { Codec } from '../../../src/server/grpc/codec.ts';
import { OPEN_INFERENCE } from '../../../src/server/grpc/open-inference-messages.ts';
import { TF_SERVING } from '../../../src/server/grpc/tf-serving-messages.ts';
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
  { service, codec }: { readonly service: string; readonly codec: Codec } = {
    service: 'inference.GRPCInferenceService',
    codec: OPEN_INFERENCE,
  },
) {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise<{ code: number; error?: string; body?: any; version?: string | undefined }>((resolve) => {
    let version: string | undefined;
    client
      .makeUnaryRequest(
        `/${service}/${method}`,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        codec.encode(request, message),
        metadata,
        (error: ServiceError | null, bytes?: Buffer) =>
          resolve(error === null ? { code: 0, body: codec.decode(response, bytes!), version } : { code: error.code, error: error.details }),
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

describe('TensorFlow Serving over gRPC', () => {
  const tfs = (method: string, [request, response]: readonly [string, string], message: object, service = 'PredictionService') =>
    call(method, [request, response], message, undefined, { service: `tensorflow.serving.${service}`, codec: TF_SERVING });
  const PREDICT = ['PredictRequest', 'PredictResponse'] as const;
  const dims = (...sizes: number[]) => ({ dim: sizes.map((size) => ({ size })) });
  const spec = { name: 'penguins' };
  const mass = { dtype: 1, tensor_shape: dims(2), float_val: [1, 2] };

  it('predicts from values in lists, in bytes, and fewer than the shape', async () => {
    const listed = await tfs('Predict', PREDICT, { model_spec: spec, inputs: { body_mass_g: mass } });
    expect(listed).toMatchObject({ code: 0, version: '3', body: { model_spec: { name: 'penguins', version: { value: '3' } } } });
    expect(listed.body.outputs.label).toEqual({
      dtype: 7,
      tensor_shape: { dim: [{ size: '2' }] },
      string_val: [Buffer.from('Gentoo'), Buffer.from('Gentoo')],
      float_val: [],
      double_val: [],
      int_val: [],
      int64_val: [],
      bool_val: [],
      half_val: [],
      uint32_val: [],
      uint64_val: [],
    });
    expect(listed.body.outputs.probabilities).toMatchObject({ dtype: 2, double_val: [0, 0, 1, 0, 0, 1] });
    for (const tensor of [
      { dtype: 2, tensor_shape: dims(2, 1), tensor_content: doubles(1, 2) },
      { dtype: 9, tensor_shape: dims(2), int64_val: [7] },
      { dtype: 19, tensor_shape: dims(2), half_val: [0x3c00, 0x4000] },
    ]) {
      const found = await tfs('Predict', PREDICT, {
        model_spec: { ...spec, version: { value: 2 } },
        inputs: {
          body_mass_g: tensor,
          island: { dtype: 7, tensor_shape: dims(2), string_val: [Buffer.from('Île'), Buffer.from('Dream')] },
        },
        output_filter: ['label'],
      });
      expect(found).toMatchObject({ code: 0, version: '2' });
      expect(Object.keys(found.body.outputs)).toEqual(['label']);
    }
    expect(
      await tfs('Predict', PREDICT, { model_spec: { ...spec, version_label: 'challenger' }, inputs: { body_mass_g: mass } }),
    ).toMatchObject({
      version: '2',
    });
  });

  it('classifies examples, with a context for all of them', async () => {
    const example = (value: number) => ({ features: { feature: { body_mass_g: { float_list: { value: [value] } } } } });
    const context = { features: { feature: { island: { bytes_list: { value: [Buffer.from('Biscoe')] } } } } };
    for (const input of [
      { example_list: { examples: [example(1), example(2)] } },
      { example_list_with_context: { examples: [example(1), example(2)], context } },
    ]) {
      const { body } = await tfs('Classify', ['ClassificationRequest', 'ClassificationResponse'], { model_spec: spec, input });
      expect(body.result.classifications).toHaveLength(2);
      expect(body.result.classifications[0].classes).toContainEqual({ label: 'Gentoo', score: 1 });
    }
    expect(
      await tfs('Regress', ['RegressionRequest', 'RegressionResponse'], {
        model_spec: spec,
        input: { example_list: { examples: [example(1)] } },
      }),
    ).toMatchObject({
      code: 3,
      error: expect.stringContaining('is for models that answer with one number'),
    });
  });

  it('answers several tasks of one model at once', async () => {
    const example = { features: { feature: { body_mass_g: { float_list: { value: [1] } } } } };
    const input = { example_list: { examples: [example, example] } };
    const classify = { model_spec: spec, method_name: 'tensorflow/serving/classify' };
    const MULTI = ['MultiInferenceRequest', 'MultiInferenceResponse'] as const;
    const { body, version } = await tfs('MultiInference', MULTI, { tasks: [classify], input });
    expect(version).toBe('3');
    expect(body.results).toHaveLength(1);
    expect(body.results[0]).toMatchObject({ model_spec: { name: 'penguins', version: { value: '3' }, signature_name: 'serving_default' } });
    expect(body.results[0].classification_result.classifications).toHaveLength(2);
    expect(body.results[0].classification_result.classifications[1].classes).toContainEqual({ label: 'Gentoo', score: 1 });
    const labelled = { ...classify, model_spec: { ...spec, version_label: 'challenger' } };
    expect(await tfs('MultiInference', MULTI, { tasks: [labelled], input })).toMatchObject({ code: 0, version: '2' });
    for (const [message, error] of [
      [{ tasks: [], input }, /"tasks" is empty/],
      [{ tasks: [classify] }, /no "example_list"/],
      [{ tasks: [classify, classify], input }, /"tasks\[1\]" asks for what another task asks for/],
      [{ tasks: [classify, { ...classify, model_spec: { name: 'geese' } }], input }, /"tasks\[1\].model_spec" has another "name"/],
      [{ tasks: [classify, labelled], input }, /has another "version_label"/],
      [
        { tasks: [{ ...classify, method_name: 'tensorflow/serving/predict' }], input },
        /"tasks\[0\].method_name" is "tensorflow\/serving\/predict"/,
      ],
      [{ tasks: [{ ...classify, method_name: '' }], input }, /method_name" is nothing/],
      [{ tasks: [{ ...classify, model_spec: { ...spec, signature_name: 'x' } }], input }, /no signature "x"/],
      [{ tasks: [{ ...classify, method_name: 'tensorflow/serving/regress' }], input }, /is for models that answer with one number/],
      [{ tasks: [{ method_name: classify.method_name }], input }, /model_spec.name/],
    ] as const) {
      const refused = await tfs('MultiInference', MULTI, message);
      expect([refused.code, refused.error]).toEqual([3, expect.stringMatching(error)]);
    }
  });

  it('tells signatures and versions', async () => {
    const { body } = await tfs('GetModelMetadata', ['GetModelMetadataRequest', 'GetModelMetadataResponse'], {
      model_spec: spec,
      metadata_field: ['signature_def'],
    });
    const signatures = TF_SERVING.decode('SignatureDefMap', body.metadata.signature_def.value) as any;
    expect(signatures.signature_def.serving_default).toMatchObject({
      inputs: { body_mass_g: { name: 'body_mass_g', dtype: 2, tensor_shape: { dim: [{ size: '-1' }] } } },
      method_name: 'tensorflow/serving/predict',
    });
    const status = await tfs('GetModelStatus', ['GetModelStatusRequest', 'GetModelStatusResponse'], { model_spec: spec }, 'ModelService');
    expect(status.body.model_version_status.map(({ version, state }: any) => [version, state])).toContainEqual(['3', 30]);
  });

  it.each([
    ['no model', { model_spec: {} }, /model_spec.name/],
    ['an unknown model', { model_spec: { name: 'nobody' } }, /nobody/],
    ['a version and a label', { model_spec: { ...spec, version: { value: 1 }, version_label: 'champion' } }, /give one of them/],
    ['another signature', { model_spec: { ...spec, signature_name: 'train' } }, /no signature "train"/],
    ['no inputs', { inputs: {} }, /"inputs" is empty/],
    ['complex numbers', { inputs: { body_mass_g: { ...mass, dtype: 8 } } }, /has the type DT_COMPLEX64/],
    ['an unknown type', { inputs: { body_mass_g: { ...mass, dtype: 77 } } }, /has the type 77/],
    [
      'more values than the shape',
      { inputs: { body_mass_g: { ...mass, tensor_shape: dims(1) } } },
      /has 2 values in "float_val", and its shape is of 1/,
    ],
    ['no values', { inputs: { body_mass_g: { ...mass, float_val: [] } } }, /has 0 values/],
    [
      'bytes that are too few',
      { inputs: { body_mass_g: { dtype: 2, tensor_shape: dims(2), tensor_content: doubles(1) } } },
      /2 values of FP64 are 16 bytes/,
    ],
    ['a shape beyond measure', { inputs: { body_mass_g: { ...mass, tensor_shape: dims(1e9, 1e9) } } }, /expected sizes/],
    ['no shape', { inputs: { body_mass_g: { ...mass, tensor_shape: { unknown_rank: true } } } }, /has no shape/],
    ['a scalar', { inputs: { body_mass_g: { dtype: 1, float_val: [1] } } }, /shape must be \[rows\]/],
    ['an unknown output', { output_filter: ['answer'] }, /the outputs are label, probabilities/],
  ])('refuses %s', async (_title, message, error) => {
    const found = await tfs('Predict', PREDICT, { model_spec: spec, inputs: { body_mass_g: mass }, ...message });
    expect(found.code).toBeGreaterThan(2);
    expect(found.code).not.toBe(13);
    expect(found.error).toMatch(error);
  });
});
