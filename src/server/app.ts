import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import cors from '@fastify/cors';
import { fastify } from 'fastify';
import type { Guard } from '../access/guard.ts';
import type { ObjectStore } from '../core/ports.ts';
import type { StepLogger } from '../core/step.ts';
import type { JsonRules } from '../data/reading/json-parser.ts';
import type { InferenceService } from '../serving/inference.ts';
import { SERVING_LIMITS } from '../serving/limits.ts';
import type { FeedbackWriter } from '../monitoring/feedback/feedback-writer.ts';
import { registerEvents } from '../serving/protocols/events.ts';
import { registerFeedback } from '../serving/protocols/feedback.ts';
import { registerMlflowProtocol } from '../serving/protocols/mlflow.ts';
import { registerOpenInferenceProtocol } from '../serving/protocols/open-inference.ts';
import { registerRowsProtocol } from '../serving/protocols/rows.ts';
import { registerTfServingProtocol } from '../serving/protocols/tf-serving.ts';
import { RequestError, toRequestError } from '../serving/request-error.ts';
import type { ServingMetrics } from '../serving/serving-metrics.ts';
import { REQUEST_HEADER, ROW_HEADER, STORE_HEADER, VERSION_HEADER } from '../serving/headers.ts';
import { requestIdOf } from '../serving/protocols/http.ts';
import { JSON_LENGTH_HEADER } from '../serving/protocols/binary-tensors.ts';
import { watchMethods } from './allowed-methods.ts';
import { traceRequests } from './http-tracing.ts';
import { Departures } from './departures.ts';
import { answerClientError } from './client-error.ts';
import { readBody, unpacked } from './request-body.ts';
import { packed } from './response-body.ts';
import { registerTokens } from './register-tokens.ts';
import { letIn } from './let-in.ts';
import { matchedRoute } from './matched-route.ts';
import { registerDocs, requireDescriptions } from './openapi/register-docs.ts';
import { registerReports } from './reports.ts';
import type { TlsSettings } from './tls.ts';
import type { ReportSource } from './reports.ts';

export interface AppOptions {
  readonly service: InferenceService;
  readonly metrics: ServingMetrics;
  readonly reports: ReportSource;
  readonly feedback: FeedbackWriter;
  readonly log: StepLogger;
  readonly packageVersion: string;
  /** Of the store that is served from; absent while it is away. */
  readonly storeId?: () => string | undefined;
  /** Who may ask, by `Authorization: Bearer …`. Health checks and the page at /docs answer anybody. */
  readonly guard: Guard;
  /** Where the tokens are; absent: they cannot be changed here. */
  readonly tokens?: { readonly store: ObjectStore; readonly changed: () => Promise<void> };
  /** Where events of pipelines are kept. */
  readonly events: ObjectStore;
  /** Origins whose pages may call the server from a browser, e.g. "https://app.example.org"; "*" for all. Default: none. */
  readonly corsOrigins?: readonly string[];
  /** HTTPS in place of HTTP. */
  readonly tls?: TlsSettings;
  /** How long the headers and the body of a request may take to arrive, in milliseconds. */
  readonly arrivalMs?: number;
}

/** Numbers of clients of TensorFlow Serving are tensors as a rule; integers of rows may be identifiers. MLflow's clients write NaN. */
function jsonRules(url = ''): JsonRules {
  const tokens = url.startsWith('/v1/') || url.endsWith('/invocations');
  return {
    deeper: 'cut',
    keysMax: SERVING_LIMITS.keysMax,
    ...(tokens ? { tokens } : {}),
    ...(url.startsWith('/v1/') ? {} : { exactIntegers: true }),
  };
}

/** By the addresses of routes, of which there are few. */
function memoized<T>(of: (url: string) => T): (url: string) => T {
  const known = new Map<string, T>();
  return (url) => {
    let found = known.get(url);
    if (found === undefined) known.set(url, (found = of(url)));
    return found;
  };
}

/** Counts and times answers under labels that are written once for each route, method and status. */
function countRequests({ requests, requestSeconds }: ServingMetrics): (request: FastifyRequest, reply: FastifyReply) => void {
  const timers = memoized((route) => requestSeconds.under({ route }));
  const counters = new Map<string, () => void>();
  return (request, { statusCode, elapsedTime }) => {
    const { method } = request;
    const route = matchedRoute(request).url ?? 'unknown';
    const key = `${method} ${statusCode} ${route}`;
    let counter = counters.get(key);
    if (counter === undefined) counters.set(key, (counter = requests.under({ method, route, status: String(statusCode) })));
    counter();
    timers(route)(elapsedTime / 1_000);
  };
}

/** The HTTP surface of the model server. Every error is `{ "error": "…" }`. */
export function createApp({
  service,
  metrics,
  reports,
  feedback,
  log,
  packageVersion,
  storeId,
  guard,
  tokens,
  events,
  corsOrigins = [],
  tls,
  arrivalMs = SERVING_LIMITS.arrivalMs,
}: AppOptions): FastifyInstance {
  // Requests without "host" are refused in words of ours.
  const times = {
    requireHostHeader: false,
    headersTimeout: arrivalMs,
    connectionsCheckingInterval: Math.min(arrivalMs, SERVING_LIMITS.arrivalCheckMs),
  };
  const app = fastify({
    // What differs between the two is only how bytes travel.
    ...(tls === undefined ? { http: times } : ({ https: { ...times, ...tls } } as object)),
    bodyLimit: SERVING_LIMITS.bodyBytesMax,
    genReqId: (request) => requestIdOf(request.headers[REQUEST_HEADER]),
    requestTimeout: arrivalMs,
    frameworkErrors: (error, request, reply) => {
      const shown = JSON.stringify(request.url.slice(0, 200));
      const problem =
        error.code === 'FST_ERR_BAD_URL'
          ? { status: 400, message: `The path ${shown} is not percent-encoded as UTF-8.` }
          : error.code === 'FST_ERR_MAX_PARAM_LENGTH'
            ? { status: 414, message: `The path ${shown}… has a name of more than ${NAME_CHARS_MAX} characters.` }
            : httpProblem(error, request.id);
      void (reply as FastifyReply).code(problem.status).header(REQUEST_HEADER, request.id).send({ error: problem.message });
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, arrivalMs),
    // Requests on kept-alive connections are still answered while the server drains.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // Whoever probes with HEAD hears the status of GET.
    exposeHeadRoutes: true,
    routerOptions: { ignoreTrailingSlash: true },
  });
  app.server.on('checkExpectation', refuseExpectation);
  requireDescriptions(app);
  const methodsOf = watchMethods(app);
  traceRequests(app);
  app.decorateRequest('bodyBytes', 0);
  app.decorateRequest('matched', null);
  app.removeAllContentTypeParsers();
  // Clients of all protocols send JSON under many content types; the body decides, and what the address takes besides.
  const rulesOf = memoized(jsonRules);
  const parse = (request: FastifyRequest, body: string | Buffer, done: (error: Error | null, value?: unknown) => void): void => {
    request.bodyBytes = body.length;
    let value: unknown;
    try {
      value = readBody(request, body as Buffer, rulesOf(matchedRoute(request).url ?? ''));
    } catch (error) {
      done(error as Error);
      return;
    }
    if (value instanceof Promise)
      value.then(
        (later) => done(null, later),
        (error: unknown) => done(error as Error),
      );
    else done(null, value);
  };
  // The usual one by its name: it is found without reading what else the header says.
  app.addContentTypeParser(['application/json', '*'], { parseAs: 'buffer' }, parse);

  if (corsOrigins.length > 0) allowOrigins(app, corsOrigins);
  // Hooks that wait for nothing take `done`, and those that follow each other are one: each is a good part of what a small request costs.
  const refusalTo = letIn(app, guard, log);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header(REQUEST_HEADER, request.id);
    if (request.raw.httpVersion === '1.1' && request.raw.headers.host === undefined)
      return done(new RequestError(400, 'The header Host is missing, which HTTP/1.1 asks for.'));
    // An answer of another version than the one that is meant would look right.
    if (request.method === 'POST' && Object.hasOwn(request.query as object, 'version'))
      return done(new RequestError(400, 'A version stands in the path, not in the query: see /openapi.json for the addresses.'));
    const refusal = refusalTo(request, reply);
    if (refusal !== undefined) return done(refusal);
    const id = storeId?.();
    if (id !== undefined) reply.header(STORE_HEADER, id);
    done();
  });
  app.addHook('preParsing', (request, _reply, payload, done) => {
    try {
      done(null, unpacked(request, payload));
    } catch (error) {
      done(error as RequestError);
    }
  });
  // A kept-alive connection ends with its answer, so that the server need not wait for the client to let go.
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  const departures = new Departures();
  app.addHook('onSend', (request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    packed(request, reply, payload, (error, body) => {
      if (error === null) departures.leave(request.raw.socket, () => done(null, body));
      else done(error);
    });
  });
  const count = countRequests(metrics);
  app.addHook('onResponse', (request, reply, done) => {
    count(request, reply);
    done();
  });
  app.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
    const problem = httpProblem(error, request.id);
    const fields = { requestId: request.id, method: request.method, url: request.url, status: problem.status };
    if (problem.status >= 500 && problem.status !== 503) log.error('request failed', { ...fields, error: error.stack ?? error.message });
    const { allow, retryAfter, accept, acceptEncoding, row } = problem.facts;
    if (allow !== undefined) reply.header('allow', allow);
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
    if (accept !== undefined) reply.header('accept', accept);
    if (acceptEncoding !== undefined) reply.header('accept-encoding', acceptEncoding);
    if (row !== undefined) reply.header(ROW_HEADER, String(row));
    return reply.code(problem.status).send({ error: problem.message });
  });
  app.setNotFoundHandler(async ({ method, url }, reply) => {
    const [path] = url.split('?') as [string];
    const allowed = methodsOf(path).filter((one) => isVerb(path) === undefined || isVerb(path) === (one === 'POST'));
    if (allowed.length === 0) return reply.code(404).send({ error: `There is no ${method} ${path} here.` });
    return reply
      .code(405)
      .header('allow', allowed.join(', '))
      .send({ error: `${path} takes ${allowed.join(' and ')}, not ${method}.` });
  });

  const context = { service, packageVersion };
  registerOpenInferenceProtocol(app, context);
  registerTfServingProtocol(app, context);
  registerRowsProtocol(app, context);
  registerMlflowProtocol(app, context);
  registerFeedback(app, context, feedback);
  registerEvents(app, events, ({ headers }) => guard.holderOf(headers.authorization)?.name ?? '');
  registerReports(app, reports);
  registerDocs(app, context, guard);
  if (tokens !== undefined) registerTokens(app, tokens.store, tokens.changed);
  // Clients of KServe's first protocol ask here whether the server lives, and people where they are.
  app.get('/', async ({ headers }, reply) =>
    (headers.accept ?? '').includes('text/html') ? reply.redirect('docs') : reply.send({ status: 'alive' }),
  );
  app.get('/models', async () => ({
    models: service.router.states(),
    ...(service.router.cutOffSince === undefined ? {} : { cutOffSince: service.router.cutOffSince }),
  }));
  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', metrics.registry.contentType).send(metrics.registry.render()),
  );
  return app;
}

/**
 * Answers to pages of these origins may be read by them. What a browser asks beforehand carries no token.
 */
function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  void app.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST'],
    exposedHeaders: [VERSION_HEADER, ROW_HEADER, STORE_HEADER, JSON_LENGTH_HEADER, REQUEST_HEADER, 'retry-after'],
    maxAge: PREFLIGHT_SECONDS,
    strictPreflight: false,
  });
}

/** How long a browser remembers what it may send. */
const PREFLIGHT_SECONDS = 600;

/** The runtime would answer without a word. */
function refuseExpectation({ headers }: IncomingMessage, response: ServerResponse): void {
  const body = JSON.stringify({
    error: `The header Expect is ${JSON.stringify(String(headers.expect).slice(0, 40))}; "100-continue" is met.`,
  });
  response.writeHead(417, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}

/** A name of an address may have so many. */
const NAME_CHARS_MAX = 100;

/**
 * Addresses of TensorFlow Serving are told apart by what follows the last colon, which the router takes for a part of the name.
 *
 * @returns undefined for addresses of others
 */
function isVerb(path: string): boolean | undefined {
  return /^\/v1\/models\/./.test(path) ? /:(?:predict|classify|regress)\/?$/.test(path) : undefined;
}

/** Errors of the HTTP framework keep their status, in our words where it matters. */
function httpProblem(error: Error & { statusCode?: number }, requestId: string): RequestError {
  const status = error.statusCode;
  if (error instanceof RequestError || status === undefined) return toRequestError(error, requestId);
  if (
    (error as NodeJS.ErrnoException).code?.startsWith('Z_') === true ||
    (error as NodeJS.ErrnoException).code?.startsWith('ERR_BROTLI') === true
  )
    return new RequestError(400, `The body cannot be unpacked as its content-encoding says: ${error.message}.`);
  // Asked before the method is looked up, of QUERY alone.
  if ((error as NodeJS.ErrnoException).code === 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE')
    return new RequestError(405, 'QUERY is taken nowhere here.', { allow: 'GET, HEAD, POST' });
  if ((error as NodeJS.ErrnoException).code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new RequestError(415, 'The header Content-Type is no media type: send application/json.', { accept: 'application/json' });
  if (status === 413)
    return new RequestError(413, `The body is larger than ${SERVING_LIMITS.bodyBytesMax / 1024 / 1024} MiB. Send several requests.`);
  return status >= 400 && status < 500 ? new RequestError(status, error.message) : toRequestError(error, requestId);
}
