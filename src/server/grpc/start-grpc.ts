import type {
  ServerCredentials as Credentials,
  ServerUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
  sendUnaryData,
} from '@grpc/grpc-js';
import { refusalOf, tooManyText } from '../../access/guard.ts';
import type { Guard } from '../../access/guard.ts';
import { PerennialError, messageOf } from '../../core/errors.ts';
import type { StepLogger } from '../../core/step.ts';
import { LOG_HEADER, REQUEST_HEADER } from '../../serving/headers.ts';
import type { InferenceService } from '../../serving/inference.ts';
import { SERVING_LIMITS } from '../../serving/limits.ts';
import { isWishedFor, requestIdOf } from '../../serving/protocols/http.ts';
import { RequestError, toRequestError } from '../../serving/request-error.ts';
import type { ServingMetrics } from '../../serving/serving-metrics.ts';
import type { TlsFiles } from '../tls.ts';
import type { Codec } from './codec.ts';
import type { Call, GrpcService, Method } from './method.ts';
import { traceCall } from './grpc-tracing.ts';
import { openInferenceService } from './open-inference-service.ts';
import { tfServingServices } from './tf-serving-service.ts';

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

/** The status codes of gRPC for those of HTTP. */
const CODES: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 404: 5, 413: 8, 429: 8, 503: 14 };
const INTERNAL = 13;
/** Between two looks at the files of the certificate. */
const CERTIFICATE_MS = 5_000;

/**
 * The protocols that stock clients speak over gRPC, all at one port, as HTTP answers them.
 *
 * @throws PORT_TAKEN
 */
export async function startGrpc(options: GrpcOptions): Promise<RunningGrpc> {
  const { Metadata, Server, ServerCredentials, experimental } = await import('@grpc/grpc-js');
  const services = [openInferenceService(options.service, options.packageVersion), ...tfServingServices(options.service)];
  const server = new Server({
    'grpc.max_receive_message_length': SERVING_LIMITS.bodyBytesMax,
    'grpc.max_send_message_length': -1,
  });

  async function answer(
    { name: service, codec }: GrpcService,
    name: string,
    method: Method,
    call: ServerUnaryCall<Buffer, Buffer>,
    done: sendUnaryData<Buffer>,
  ): Promise<void> {
    const told = new Metadata();
    const route = `${service}/${name}`;
    const started = performance.now();
    const id = requestIdOf(call.metadata.get(REQUEST_HEADER)[0]);
    told.set(REQUEST_HEADER, id);
    const span = traceCall(route, call.metadata, told);
    let status = 'OK';
    let code = 0;
    let who = 'nobody';
    try {
      const holder = method.open === true ? undefined : options.guard.holderOf(call.metadata.get('authorization')[0]?.toString());
      if (method.open !== true && holder === undefined)
        throw new RequestError(401, 'This server asks for a token: send the metadata "authorization: Bearer TOKEN".');
      who = holder?.name ?? who;
      if (holder !== undefined && options.guard.wait(holder) > 0) throw new RequestError(429, tooManyText(holder));
      const request = readRequest(codec, method.request, call.request);
      const refusal = holder === undefined ? undefined : refusalOf(holder, method.role ?? 'predict', modelOf(method, request));
      if (refusal !== undefined) throw new RequestError(403, refusal);
      const asking = {
        logged: isWishedFor(call.metadata.get(LOG_HEADER)[0], 'metadata'),
        bytes: call.request.length,
        header: (key: string) => call.metadata.get(key)[0]?.toString(),
        ...(holder?.rowsPerRequest === undefined ? {} : { rowsMax: holder.rowsPerRequest }),
      };
      const body = await span.within(() => method.run({ id, request, options: asking, tell: (key, value) => told.set(key, value) }));
      const bytes = codec.encode(method.response, body);
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
      code = CODES[problem.status] ?? INTERNAL;
      done({ code, details: problem.message, metadata: told });
    }
    if (method.audited === true) options.log.info('audit', { who, method: route, status, requestId: id, from: call.getPeer() });
    span.end(code);
    options.metrics.requests.add({ method: 'gRPC', route, status });
    options.metrics.requestSeconds.observe({ route }, (performance.now() - started) / 1_000);
  }

  function credentialsOf(tls: TlsFiles | undefined): Credentials {
    if (tls === undefined) return ServerCredentials.createInsecure();
    const { certificate, key, clientAuthority } = tls;
    const provider = new experimental.FileWatcherCertificateProvider({
      certificateFile: certificate,
      privateKeyFile: key,
      ...(clientAuthority === undefined ? {} : { caCertificateFile: clientAuthority }),
      refreshIntervalMs: CERTIFICATE_MS,
    });
    const asked = clientAuthority === undefined ? null : provider;
    return experimental.createCertificateProviderServerCredentials(provider, asked, asked !== null);
  }

  const raw = { requestStream: false, responseStream: false } as const;
  const same = (bytes: Buffer): Buffer => bytes;
  for (const service of services) {
    const definition: ServiceDefinition = Object.fromEntries(
      Object.keys(service.methods).map((name) => [
        name,
        {
          ...raw,
          path: `/${service.name}/${name}`,
          requestSerialize: same,
          requestDeserialize: same,
          responseSerialize: same,
          responseDeserialize: same,
        },
      ]),
    );
    const handlers: UntypedServiceImplementation = Object.fromEntries(
      Object.entries(service.methods).map(([name, method]) => [
        name,
        (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => void answer(service, name, method, call, done),
      ]),
    );
    server.addService(definition, handlers);
  }
  const credentials = credentialsOf(options.tls);
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

/** That a request is about, without its version. */
function modelOf({ model }: Method, request: Call['request']): string | undefined {
  const given = model?.(request);
  return typeof given === 'string' && given !== '' ? given.replace(/@.*$/s, '') : undefined;
}

function readRequest(codec: Codec, message: string, bytes: Buffer): Record<string, unknown> {
  try {
    return codec.decode(message, bytes);
  } catch (error) {
    throw new RequestError(400, `The message cannot be read as ${message}: ${messageOf(error)}.`);
  }
}
