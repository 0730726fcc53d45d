import { randomUUID } from 'node:crypto';
import type { ServerUnaryCall, ServiceDefinition, UntypedServiceImplementation, sendUnaryData } from '@grpc/grpc-js';
import { refusalOf } from '../../access/guard.ts';
import type { Guard } from '../../access/guard.ts';
import type { Role } from '../../access/roles.ts';
import { PerennialError, messageOf } from '../../core/errors.ts';
import type { StepLogger } from '../../core/step.ts';
import { LOG_HEADER, VERSION_HEADER } from '../../serving/headers.ts';
import type { AskOptions, InferenceService } from '../../serving/inference.ts';
import { SERVING_LIMITS } from '../../serving/limits.ts';
import { exposureHeaders, isWishedFor, targetOf } from '../../serving/protocols/http.ts';
import { inferAnswer } from '../../serving/protocols/open-inference-answer.ts';
import { modelMetadata, questionOf, requestedOutputs } from '../../serving/protocols/open-inference-messages.ts';
import { modelConfig, modelStatistics, repositoryIndex } from '../../serving/protocols/open-inference-repository.ts';
import { EXTENSIONS, loadModel, unloadModel } from '../../serving/protocols/open-inference.ts';
import { RequestError, toRequestError } from '../../serving/request-error.ts';
import type { Target } from '../../serving/router.ts';
import type { ServingMetrics } from '../../serving/serving-metrics.ts';
import type { TlsFiles } from '../tls.ts';
import { inferRequestOf } from './infer-request.ts';
import type { GrpcInferRequest } from './infer-request.ts';
import { decode, encode } from './messages.ts';

export interface GrpcOptions {
  readonly service: InferenceService;
  readonly metrics: ServingMetrics;
  readonly log: StepLogger;
  readonly packageVersion: string;
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly guard: Guard;
  readonly tls?: TlsFiles;
}

export interface RunningGrpc {
  /** `127.0.0.1:8081` */
  readonly address: string;
  stop(): Promise<void>;
}

interface Call {
  readonly request: Record<string, unknown>;
  readonly options: AskOptions;
  /** Metadata of the answer. */
  tell(name: string, value: string): void;
}

interface Method {
  readonly request: string;
  readonly response: string;
  /** Anybody may ask. */
  readonly open?: true;
  /** What a token has to allow; default "predict". */
  readonly role?: Role;
  /** Changes something: each call is told in the log. */
  readonly audited?: true;
  readonly run: (call: Call) => object | Promise<object>;
}

const SERVICE = 'inference.GRPCInferenceService';

function methodsOf({ service, packageVersion }: GrpcOptions): Readonly<Record<string, Method>> {
  const { router } = service;
  const named = ({ name, version }: Record<string, unknown>): Target => addressed(name, version);
  return {
    ServerLive: { request: 'Empty', response: 'ServerLiveResponse', open: true, run: () => ({ live: true }) },
    ServerReady: { request: 'Empty', response: 'ServerReadyResponse', open: true, run: () => ({ ready: router.ready }) },
    ModelReady: {
      request: 'NamedModel',
      response: 'ModelReadyResponse',
      run: async ({ request }) => {
        try {
          await service.inspect(named(request), () => undefined);
          return { ready: true };
        } catch (error) {
          if (error instanceof RequestError && error.status === 503) return { ready: false };
          throw error;
        }
      },
    },
    ServerMetadata: {
      request: 'Empty',
      response: 'ServerMetadataResponse',
      run: () => ({ name: 'perennial', version: packageVersion, extensions: EXTENSIONS }),
    },
    ModelMetadata: {
      request: 'NamedModel',
      response: 'ModelMetadataResponse',
      run: async ({ request }) => {
        const target = named(request);
        const [versions, state] = [await router.versions(target.model), await router.state(target.model)];
        return service.inspect(target, (found) => modelMetadata(found, versions, state) as object);
      },
    },
    ModelConfig: {
      request: 'NamedModel',
      response: 'ModelConfigResponse',
      run: async ({ request }) => ({ config: await service.inspect(named(request), modelConfig) }),
    },
    ModelStatistics: {
      request: 'NamedModel',
      response: 'ModelStatisticsResponse',
      role: 'operate',
      run: async ({ request }) => {
        if (request.name === undefined || request.name === '') return { model_stats: modelStatistics(service.statistics, {}) };
        const target = named(request);
        await router.state(target.model);
        return { model_stats: modelStatistics(service.statistics, target) };
      },
    },
    RepositoryIndex: {
      request: 'RepositoryIndexRequest',
      response: 'RepositoryIndexResponse',
      run: ({ request }) => ({ models: repositoryIndex(router.states(), { ready: request.ready === true }) }),
    },
    RepositoryModelLoad: {
      request: 'RepositoryModelRequest',
      response: 'Empty',
      role: 'operate',
      audited: true,
      run: ({ request }) => loadModel(service, String(request.model_name ?? ''), request.parameters),
    },
    RepositoryModelUnload: {
      request: 'RepositoryModelRequest',
      response: 'Empty',
      role: 'operate',
      audited: true,
      run: ({ request }) => unloadModel(service, String(request.model_name ?? '')),
    },
    ModelInfer: { request: 'ModelInferRequest', response: 'ModelInferResponse', run: (call) => infer(service, call) },
  };
}

/** A version that is not given is absent, or empty. */
function addressed(model: unknown, version: unknown): Target {
  return targetOf(String(model ?? ''), version === undefined || version === '' ? undefined : String(version));
}

async function infer(service: InferenceService, { request, options, tell }: Call): Promise<object> {
  const given = request as unknown as GrpcInferRequest;
  const asked = inferRequestOf(given);
  const target = addressed(given.model_name, given.model_version);
  const id = given.id === undefined || given.id === '' ? randomUUID() : given.id;
  if (id.length > 200) throw new RequestError(400, '"id" must be a text of at most 200 characters.');
  const answer = await service.ask(
    target,
    id,
    (servable) => {
      requestedOutputs(asked, servable);
      return questionOf(asked, servable);
    },
    options,
  );
  tell(VERSION_HEADER, String(answer.servable.version));
  for (const [name, value] of Object.entries(exposureHeaders(answer))) tell(name, value);
  const { header, tail } = inferAnswer(answer, requestedOutputs(asked, answer.servable));
  return { ...header, outputs: header.outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })), raw_output_contents: tail };
}

/** The status codes of gRPC for those of HTTP. */
const CODES: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 404: 5, 413: 8, 503: 14 };
const INTERNAL = 13;
/** Between two looks at the files of the certificate. */
const CERTIFICATE_MS = 5_000;

/**
 * The Open Inference Protocol v2 over gRPC, as HTTP answers it.
 *
 * @throws PORT_TAKEN
 * @see https://github.com/kserve/open-inference-protocol (specification/protocol/inference_grpc.md)
 */
export async function startGrpc(options: GrpcOptions): Promise<RunningGrpc> {
  const { Metadata, Server, ServerCredentials, experimental } = await import('@grpc/grpc-js');
  const methods = methodsOf(options);
  const server = new Server({
    'grpc.max_receive_message_length': SERVING_LIMITS.bodyBytesMax,
    'grpc.max_send_message_length': -1,
  });

  async function answer(name: string, method: Method, call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): Promise<void> {
    const told = new Metadata();
    const route = `${SERVICE}/${name}`;
    const started = performance.now();
    const id = randomUUID();
    let status = 'OK';
    let who = 'nobody';
    try {
      const holder = method.open === true ? undefined : options.guard.holderOf(call.metadata.get('authorization')[0]?.toString());
      if (method.open !== true && holder === undefined)
        throw new RequestError(401, 'This server asks for a token: send the metadata "authorization: Bearer TOKEN".');
      who = holder?.name ?? who;
      const request = readRequest(method.request, call.request);
      const refusal = holder === undefined ? undefined : refusalOf(holder, method.role ?? 'predict', modelOf(request));
      if (refusal !== undefined) throw new RequestError(403, refusal);
      const asking = {
        logged: isWishedFor(call.metadata.get(LOG_HEADER)[0], 'metadata'),
        header: (key: string) => call.metadata.get(key)[0]?.toString(),
      };
      const body = await method.run({ request, options: asking, tell: (key, value) => told.set(key, value) });
      const bytes = encode(method.response, body);
      call.sendMetadata(told);
      done(null, bytes);
    } catch (error) {
      const problem = toRequestError(error, id);
      if (problem.status >= 500 && problem.status !== 503)
        options.log.error('request failed', {
          requestId: id,
          method: route,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        });
      status = String(problem.status);
      done({ code: CODES[problem.status] ?? INTERNAL, details: problem.message, metadata: told });
    }
    if (method.audited === true) options.log.info('audit', { who, method: route, status, requestId: id, from: call.getPeer() });
    options.metrics.requests.add({ method: 'gRPC', route, status });
    options.metrics.requestSeconds.observe({ route }, (performance.now() - started) / 1_000);
  }

  const raw = { requestStream: false, responseStream: false } as const;
  const same = (bytes: Buffer): Buffer => bytes;
  const definition: ServiceDefinition = Object.fromEntries(
    Object.keys(methods).map((name) => [
      name,
      {
        ...raw,
        path: `/${SERVICE}/${name}`,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    ]),
  );
  const handlers: UntypedServiceImplementation = Object.fromEntries(
    Object.entries(methods).map(([name, method]) => [
      name,
      (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => void answer(name, method, call, done),
    ]),
  );
  server.addService(definition, handlers);
  const credentials =
    options.tls === undefined
      ? ServerCredentials.createInsecure()
      : experimental.createCertificateProviderServerCredentials(
          new experimental.FileWatcherCertificateProvider({
            certificateFile: options.tls.certificate,
            privateKeyFile: options.tls.key,
            refreshIntervalMs: CERTIFICATE_MS,
          }),
          null,
          false,
        );
  const bare = options.host.includes(':') ? `[${options.host.replace(/^\[(.*)\]$/, '$1')}]` : options.host;
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${bare}:${options.port}`, credentials, (error, bound) =>
      error === null
        ? resolve(bound)
        : reject(
            new PerennialError(
              'PORT_TAKEN',
              `Port ${options.port} of ${options.host} cannot be listened on for gRPC: ${messageOf(error)}.`,
              { cause: error },
            ),
          ),
    ),
  );
  return {
    address: `${bare === '0.0.0.0' ? '127.0.0.1' : bare}:${port}`,
    stop: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), SERVING_LIMITS.drainMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

/** That a request is about. */
function modelOf({ name, model_name: model }: Record<string, unknown>): string | undefined {
  const given = model ?? name;
  return typeof given === 'string' && given !== '' ? given.replace(/@.*$/s, '') : undefined;
}

function readRequest(message: string, bytes: Buffer): Record<string, unknown> {
  try {
    return decode(message, bytes);
  } catch (error) {
    throw new RequestError(400, `The message cannot be read as ${message}: ${messageOf(error)}.`);
  }
}
