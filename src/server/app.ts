import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { fastify } from 'fastify';
import type { StepLogger } from '../core/step.ts';
import type { JsonRules } from '../data/reading/json-parser.ts';
import type { InferenceService } from '../serving/inference.ts';
import { SERVING_LIMITS } from '../serving/limits.ts';
import type { FeedbackWriter } from '../monitoring/feedback/feedback-writer.ts';
import { registerFeedback } from '../serving/protocols/feedback.ts';
import { registerMlflowProtocol } from '../serving/protocols/mlflow.ts';
import { registerOpenInferenceProtocol } from '../serving/protocols/open-inference.ts';
import { registerRowsProtocol } from '../serving/protocols/rows.ts';
import { registerTfServingProtocol } from '../serving/protocols/tf-serving.ts';
import { RequestError, toRequestError } from '../serving/request-error.ts';
import type { ServingMetrics } from '../serving/serving-metrics.ts';
import { ROW_HEADER, STORE_HEADER } from '../serving/headers.ts';
import { watchMethods } from './allowed-methods.ts';
import { traceRequests } from './http-tracing.ts';
import { answerClientError } from './client-error.ts';
import { readBody, unpacked } from './request-body.ts';
import { packed } from './response-body.ts';
import { tokenGuard } from './tokens.ts';
import { registerReports } from './reports.ts';
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
  /** Asked of every request but the health checks, as `Authorization: Bearer …`. */
  readonly token?: string;
  /** How long the headers and the body of a request may take to arrive, in milliseconds. */
  readonly arrivalMs?: number;
}

/** The only routes that answer without the token. */
const OPEN_ROUTES = ['/v2/health/live', '/v2/health/ready', '/ping', '/health'];

/** Numbers of clients of TensorFlow Serving are tensors as a rule; integers of rows may be identifiers. MLflow's clients write NaN. */
function jsonRules(url = ''): JsonRules {
  const tokens = url.startsWith('/v1/') || url.endsWith('/invocations');
  return { deeper: 'cut', ...(tokens ? { tokens } : {}), ...(url.startsWith('/v1/') ? {} : { exactIntegers: true }) };
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
  token,
  arrivalMs = SERVING_LIMITS.arrivalMs,
}: AppOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: SERVING_LIMITS.bodyBytesMax,
    genReqId: requestIdOf,
    requestTimeout: arrivalMs,
    http: { headersTimeout: arrivalMs, connectionsCheckingInterval: Math.min(arrivalMs, SERVING_LIMITS.arrivalCheckMs) },
    frameworkErrors: (error, request, reply) => {
      const problem =
        error.code === 'FST_ERR_BAD_URL'
          ? { status: 400, message: `The path ${JSON.stringify(request.url.slice(0, 200))} is not percent-encoded as UTF-8.` }
          : httpProblem(error, request.id);
      void (reply as FastifyReply).code(problem.status).header('x-request-id', request.id).send({ error: problem.message });
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, arrivalMs),
    // Requests on kept-alive connections are still answered while the server drains.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // Whoever probes with HEAD hears the status of GET.
    exposeHeadRoutes: true,
    routerOptions: { ignoreTrailingSlash: true },
  });
  const methodsOf = watchMethods(app);
  traceRequests(app);
  app.removeAllContentTypeParsers();
  // Clients of either protocol send JSON under many content types; the body alone decides.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: FastifyRequest, body: string | Buffer) =>
    readBody(request, body as Buffer, jsonRules(request.routeOptions.url)),
  );

  const isTrusted = tokenGuard(token);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    if (!isOpen(request) && !isTrusted(request.headers.authorization)) {
      reply.header('www-authenticate', 'Bearer');
      throw new RequestError(401, 'This server asks for a token: send "Authorization: Bearer TOKEN".');
    }
    sayStore(reply);
  });
  app.addHook('preParsing', async (request, _reply, payload) => unpacked(request, payload));
  function sayStore(reply: FastifyReply): void {
    const id = storeId?.();
    if (id !== undefined) reply.header(STORE_HEADER, id);
  }
  // A kept-alive connection ends with its answer, so that the server need not wait for the client to let go.
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', async (_request, reply, payload) => {
    if (closing) reply.header('connection', 'close');
    return payload;
  });
  app.addHook('onSend', packed);
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    metrics.requests.add({ method: request.method, route, status: String(reply.statusCode) });
    metrics.requestSeconds.observe({ route }, reply.elapsedTime / 1_000);
  });
  app.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
    const problem = httpProblem(error, request.id);
    const fields = { requestId: request.id, method: request.method, url: request.url, status: problem.status };
    if (problem.status >= 500 && problem.status !== 503) log.error('request failed', { ...fields, error: error.stack ?? error.message });
    const { allow, retryAfter, acceptEncoding, row } = problem.facts;
    if (allow !== undefined) reply.header('allow', allow);
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
    if (acceptEncoding !== undefined) reply.header('accept-encoding', acceptEncoding);
    if (row !== undefined) reply.header(ROW_HEADER, String(row));
    return reply.code(problem.status).send({ error: problem.message });
  });
  app.setNotFoundHandler(async ({ method, url }, reply) => {
    const [path] = url.split('?') as [string];
    const allowed = methodsOf(path);
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
  registerReports(app, reports);
  app.get('/models', async () => ({ models: service.router.states() }));
  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', metrics.registry.contentType).send(metrics.registry.render()),
  );
  return app;
}

/** By the route that matched, never by the text of the address. */
function isOpen(request: FastifyRequest): boolean {
  const route = request.routeOptions.url;
  return route !== undefined && OPEN_ROUTES.includes(route) && (request.method === 'GET' || request.method === 'HEAD');
}

/** The client's own id where it is a harmless one. */
function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
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
  if (status === 413)
    return new RequestError(413, `The body is larger than ${SERVING_LIMITS.bodyBytesMax / 1024 / 1024} MiB. Send several requests.`);
  return status >= 400 && status < 500 ? new RequestError(status, error.message) : toRequestError(error, requestId);
}
